"""Jobs of the room; each may run again, none does anything twice."""

from onedoor.exchange.events import RefusedOnTheWay
from onedoor.identity.events import SignedIn
from onedoor.kernel.settings import current
from onedoor.privacy.events import BreachTold, RequestTold
from onedoor.registers.events import CorrectionAnswered, CorrectionLate
from onedoor.store import outbox
from onedoor.store.jobs import job, periodic


@job("cases.hand_over", queue="exchange")
def hand_over(code: str, step: str, round: int) -> None:  # noqa: A002 - the word of the message
    """Hand a step over to the authority that owns it, until it is acknowledged."""
    from onedoor.cases import handover

    handover.send(code, step, round)


@job("cases.watch")
def watch(code: str, step: str, round: int, limit: int) -> None:  # noqa: A002
    """Put an alert into the history when a hand-over has passed a limit."""
    from onedoor.cases import handover

    handover.watch(code, step, round, limit)


@job("cases.expire")
def expire(code: str, step: str, asked: int) -> None:
    """Stop a step whose supplement never came."""
    from onedoor.cases import handover

    handover.expire(code, step, asked)


@job("cases.pass_on", queue="exchange")
def pass_on(code: str, step: str, asked: int) -> None:
    """Pass a supplement on to the authority that asked for it."""
    from onedoor.cases import handover

    handover.pass_on(code, step, asked)


@job("cases.end", queue="exchange")
def end(code: str, step: str, round: int, kind: str) -> None:  # noqa: A002
    """Tell an authority that a step ends."""
    from onedoor.cases import handover

    handover.end(code, step, round, kind)


@job("cases.go_on", queue="exchange")
def go_on(code: str) -> None:
    """Hand over anew what an authority has ended for a withdrawal that did not come about."""
    from onedoor.cases import handover

    handover.go_on(code)


@job("cases.work", queue="exchange")
def work(task: str) -> None:
    """Do what an officer decided to do."""
    from onedoor.cases import working

    working.work(task)


@job("cases.tell", queue="exchange")
def tell(task: str, number: int) -> None:
    """Tell the portal what came of a task, until it is acknowledged."""
    from onedoor.cases import telling

    telling.tell(task, number)


@job("cases.notify")
def notify(code: str, kind: str, step: str, key: str) -> None:
    """Tell the person what happened."""
    from onedoor.cases import notifying

    notifying.notify(code, kind, step, key)


@outbox.on(CorrectionAnswered)
def tell_of_correction(answered: CorrectionAnswered) -> None:
    """Tell the person that a correction they asked for is decided."""
    from onedoor.cases import notifying

    notifying.notify_of_correction(answered)


@outbox.on(CorrectionLate)
def tell_of_late_correction(late: CorrectionLate) -> None:
    """Tell the person that a correction they asked for is not decided in time."""
    from onedoor.cases import notifying

    notifying.notify_of_late_correction(late)


@outbox.on(BreachTold)
def tell_of_breach(told: BreachTold) -> None:
    """Tell the person that a breach touched their data."""
    from onedoor.cases import notifying

    notifying.notify_of_breach(told)


@outbox.on(RequestTold)
def tell_of_request(told: RequestTold) -> None:
    """Tell the person of a step of what they asked about their data."""
    from onedoor.cases import notifying

    notifying.notify_of_request(told)


@outbox.on(SignedIn)
def tell_of_cases(signed: SignedIn) -> None:
    """Tell a person who signed in at the portal in which cases of others they are named."""
    if current().role != "node":
        from onedoor.cases import notifying

        notifying.notify_of_cases(signed.by.person)


@outbox.on(RefusedOnTheWay)
def keep_refusal(refused: RefusedOnTheWay) -> None:
    """Keep as an attempt what a gateway refused, at the system that asked."""
    from onedoor.cases import journal

    journal.refused_on_the_way(refused)


@periodic("41 20 * * *", "cases.renew")
def renew() -> None:
    """Give kept results another time-stamp before the last one ends, at night."""
    from onedoor.cases import renewing

    renewing.renew()


@periodic("23 * * * *", "cases.sweep")
def sweep() -> None:
    """Delete the drafts that were kept as long as was promised; people have them at the portal alone."""
    if current().role != "node":
        from onedoor.cases import sweeping

        sweeping.sweep()
