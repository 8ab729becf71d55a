"""Indices recomputed to the last digit, how sure a rank is, and what would move it."""
