"""The witness: cosigns the growth of ledgers, and never a second history; no Django, no database server."""
