"""Self-assessment of units by two assessors who do not see each other's answers, and a reconciler where they differ."""
