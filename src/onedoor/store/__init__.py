"""What lives in PostgreSQL for everybody: outbox, jobs, ledger tables, encrypted fields."""
