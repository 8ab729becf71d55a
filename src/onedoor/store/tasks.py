"""What the worker does for the store."""

from onedoor.store.jobs import periodic


@periodic("41 * * * *", "store.finish_erasures")
def finish_erasures() -> None:
    """Destroy what a killed process left of a person's keys whose erasure is on record."""
    from onedoor.store import erasure

    erasure.finish()
