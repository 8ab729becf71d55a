"""National databases: one authoritative source for each fact."""
