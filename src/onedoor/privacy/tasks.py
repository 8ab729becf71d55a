"""What the worker does for this room."""

from uuid import UUID

from procrastinate import RetryStrategy

from onedoor.store.jobs import job, periodic


@periodic("* * * * *", "privacy.look_for_alarms")
def look_for_alarms() -> None:
    """Raise an alarm, every minute, for each post that read data of very many persons."""
    from onedoor.privacy import alarms

    alarms.look()


@job("privacy.report_breach", queue="exchange")
def report_breach(act: str) -> None:
    """Give the authority a notice of a breach, or what was added to one; tried until it has it."""
    from onedoor.privacy.breaches import sending

    sending.report(UUID(act))


@job("privacy.answer_breach", queue="exchange")
def answer_breach(received: str) -> None:
    """Tell the system that gave notice of a breach that it is acknowledged; tried until it has heard it."""
    from onedoor.privacy.breaches import sending

    sending.answer(UUID(received))


@job("privacy.tell_of_breach", queue="exchange")
def tell_of_breach(telling: str) -> None:
    """Have the persons whom a breach touched told by the portal, so many at once; tried until all were."""
    from onedoor.privacy.breaches import touched

    touched.tell_next(UUID(telling))


@periodic("17 * * * *", "privacy.tell_of_opened")
def tell_of_opened() -> None:
    """Have persons told of a breach whose sealed read is shown since today."""
    from onedoor.privacy.breaches import touched

    touched.tell_of_opened()


@periodic("*/5 * * * *", "privacy.look_for_overdue_breaches")
def look_for_overdue_breaches() -> None:
    """State, once for each, that the limit of a breach has passed without a notice."""
    from onedoor.privacy.breaches import writing

    writing.look_for_overdue()


@job("privacy.tell_request")
def tell_request(code: str, step: str) -> None:
    """Tell the portal of a step of what a person asked there; tried until it has heard it."""
    from onedoor.privacy.requests import telling

    telling.tell(code, step)


@periodic("29 19 * * *", "privacy.forget_requests")
def forget_requests() -> None:
    """Empty, every night, what was said in requests that ended as long ago as they are kept."""
    from onedoor.privacy.requests import keeping

    keeping.forget_old()


@job("privacy.deliver_webhook", retry=RetryStrategy(max_attempts=12, exponential_wait=2))
def deliver_webhook(webhook: str, event: str, record: str, revision: str) -> None:
    """Tell a webhook that a consent record changed; tried for about two hours."""
    from onedoor.privacy.consents import webhooks

    webhooks.deliver(webhook, event, record, revision)
