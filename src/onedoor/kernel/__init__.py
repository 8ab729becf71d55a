"""Time, errors, ids, texts, the nation, actors, events and the ledger; no Django."""
