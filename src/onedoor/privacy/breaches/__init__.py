"""Breaches of personal data: their notice to the authority within the law's hours, and telling whom they touch."""
