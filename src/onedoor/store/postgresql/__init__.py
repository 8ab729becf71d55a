"""Django's PostgreSQL backend with a pool that sees without asking whether a connection still stands."""
