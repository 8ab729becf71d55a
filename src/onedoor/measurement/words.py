"""Words of the pages for what scales ask of a service."""

from collections.abc import Mapping

from onedoor.kernel.text import gettext_noop

CONDITIONS: Mapping[str, str] = {
    "information": gettext_noop("what a person must know is told"),
    "form": gettext_noop("each form can be had"),
    "interactive": gettext_noop("it is filled in on the site"),
    "submission": gettext_noop("it is filed online"),
    "handling": gettext_noop("no step needs a visit or paper"),
    "payment": gettext_noop("a fee that is due is paid online"),
    "return": gettext_noop("it says how results come"),
    "delivery": gettext_noop("results are delivered without a visit"),
    "originals": gettext_noop("no original on paper is asked for"),
    "reuse": gettext_noop("what the State holds is looked up"),
    "remind": gettext_noop("the person is reminded"),
    "prepare": gettext_noop("it is filled in before the person comes"),
    "recommend": gettext_noop("ways to the same goal are compared"),
    "automatic": gettext_noop("it is settled without filing"),
}
"""What holds when a condition is shown, by its word."""
UNREAD: Mapping[str, str] = {
    "valid_from": gettext_noop("its first day"),
    "valid_until": gettext_noop("its last day"),
    "law": gettext_noop("its article"),
    "levels": gettext_noop("its levels"),
}
"""What of a scale was read in no source."""
