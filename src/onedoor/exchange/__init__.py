"""Messages between agencies: gateway, directory, grants, evidence."""
