"""The evidence of one message, checked: by itself, and against an X-Road configuration. No Django, no network."""
