"""The room's pages, a module for each subject; they are the portal's and everybody's."""
