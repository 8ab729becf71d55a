"""Public services as definitions: loaded, checked, searched."""
