"""The birth story, played over HTTP as a person and officers would in a browser without JavaScript."""
