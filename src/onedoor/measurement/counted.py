"""What the platform counts, by the names that definitions use: of each agency, service and day.

A measure may narrow to one register: ``received_reusing.population``.
"""

from collections.abc import Iterable, Mapping

from onedoor.kernel.text import gettext_noop

FLOWS: Mapping[str, str] = {
    "received": gettext_noop("dossiers received"),
    "received_reusing": gettext_noop("dossiers received with facts reused from a register"),
    "settled": gettext_noop("dossiers settled"),
    "settled_on_time": gettext_noop("dossiers settled on time"),
    "settled_on_time_asked_once": gettext_noop("dossiers settled on time, with one supplement at most"),
    "settled_with_result": gettext_noop("dossiers settled with an electronic result"),
    "settled_without_visit": gettext_noop("dossiers settled without a visit and without paper"),
    "settled_minutes": gettext_noop("minutes from receiving to settling, of all dossiers"),
}
"""Counted event by event; an index takes those of its period."""
STOCKS: Mapping[str, str] = {
    "services": gettext_noop("services in force"),
    "services_online": gettext_noop("services that can be filed online"),
    "services_complete": gettext_noop("services with complete information"),
    "services_reading": gettext_noop("services that read a register"),
    "services_with_fee": gettext_noop("services with a fee"),
    "services_paid_online": gettext_noop("services whose fees can be paid online"),
}
"""How many services are so on a day, by their definitions."""
DERIVED: Mapping[str, str] = {
    "services_used": gettext_noop("services that received a dossier"),
}
"""Found out from the counts of each service."""
BY_REGISTER = frozenset({"received_reusing", "services_reading"})
MEASURES: Mapping[str, str] = {**FLOWS, **STOCKS, **DERIVED}
MINUTES = "settled_minutes"


def known(registers: Iterable[str]) -> list[str]:
    """Return the name of every measure there is with these *registers*."""
    return [*MEASURES, *(f"{measure}.{one}" for measure in sorted(BY_REGISTER) for one in registers)]
