"""What the worker does for this room."""

from uuid import UUID

from onedoor.store.jobs import job, periodic


@job("pubsub.push")
def push(subscription: str) -> None:
    """Push what waits for a subscriber; while it does not answer, the next try is queued before this one ends."""
    from onedoor.pubsub import delivering

    delivering.push(UUID(subscription))


@periodic("* * * * *", "pubsub.go_on")
def go_on() -> None:
    """Go on with what waits and could be pushed: a job that ran too early, or was lost, leaves nothing behind."""
    from onedoor.pubsub import delivering

    delivering.go_on()


@periodic("27 * * * *", "pubsub.sweep")
def sweep() -> None:
    """Let go what nobody fetched in time, and forget what is old."""
    from onedoor.pubsub import arriving, delivering

    delivering.sweep()
    arriving.sweep()
