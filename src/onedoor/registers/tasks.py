"""What the worker does for this room."""

from typing import Any

from onedoor.kernel.settings import current
from onedoor.store.jobs import job, periodic


@job("registers.tell_correction")
def tell(code: str, client: str) -> None:
    """Tell *client* that a fact it read was corrected; tried until it has heard it."""
    from onedoor.registers import telling

    telling.tell(code, client)


@job("registers.answer_correction")
def answer(code: str) -> None:
    """Tell the system where a correction was asked for how it was decided; tried until it has heard it."""
    from onedoor.registers import telling

    telling.answer(code)


@job("registers.tell_correction_late")
def tell_late(code: str) -> None:
    """Tell the system where a correction was asked for that it is late; tried until it has heard it."""
    from onedoor.registers import telling

    telling.tell_late(code)


@job("registers.tell_change")
def tell_change(client: str, purpose: str, basis: str, body: dict[str, Any]) -> None:
    """Tell *client*, who follows a register, that a record has a new version; tried until it has heard it."""
    from onedoor.registers import following

    following.tell(client, purpose, basis, body)


@periodic("17 19 * * *", "registers.retain")
def retain() -> None:
    """Archive and destroy what is due, every night; the portal holds no register."""
    if current().role != "portal":
        from onedoor.registers import archiving

        archiving.retain_all()


@periodic("*/5 * * * *", "registers.look_for_overdue_corrections")
def look_for_overdue_corrections() -> None:
    """Note, once for each, that the limit of a request for a correction has passed, and have its person told."""
    if current().role != "portal":
        from onedoor.registers import corrections

        corrections.look_for_overdue()


@periodic("47 * * * *", "registers.keep_schemas")
def keep_schemas() -> None:
    """Keep the schemas of versions that were published while the system ran."""
    if current().role != "portal":
        from onedoor.registers import published

        published.keep()
