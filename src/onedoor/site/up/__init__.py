"""A whole nation on one computer: checked, prepared, started, kept running, stopped."""
