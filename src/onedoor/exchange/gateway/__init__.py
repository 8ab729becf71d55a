"""The gateway: one process per agency that signs, verifies, authorises, logs and forwards messages."""
