"""People told: the inbox of the portal."""
