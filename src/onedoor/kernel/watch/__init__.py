"""Watching a process from outside: request ids, log lines, metrics, health, spans. No Django, no room."""
