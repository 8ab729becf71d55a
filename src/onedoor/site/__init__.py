"""Settings by role, addresses, commands; may import everything, lazily."""
