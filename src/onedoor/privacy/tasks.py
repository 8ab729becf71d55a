"""What the worker does for this room."""

from onedoor.store.jobs import periodic


@periodic("* * * * *", "privacy.look_for_alarms")
def look_for_alarms() -> None:
    """Raise an alarm, every minute, for each post that read data of very many persons."""
    from onedoor.privacy import alarms

    alarms.look()
