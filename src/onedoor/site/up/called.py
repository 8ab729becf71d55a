"""What the processes of a nation are called where a person reads of them."""

from collections.abc import Mapping

from onedoor.kernel.nation import Nation
from onedoor.kernel.text import pick
from onedoor.site import messages
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _

KINDS: Mapping[str, str] = {
    "directory": gettext_noop("directory"),
    "gateway": gettext_noop("gateway of {agency}"),
    "gateway-2": gettext_noop("second gateway of {agency}"),
    "node": gettext_noop("system of {agency}"),
    "portal": gettext_noop("portal"),
    "portal-web": gettext_noop("portal"),
    "portal-worker": gettext_noop("portal’s worker"),
}


SECOND = "-2"


def called(name: str, nation: Nation) -> str:
    """Return what a process such as ``node-G15`` is called: by its kind and its agency's name."""
    kind, _dash, member = name.partition("-")
    if member.endswith(SECOND) and member not in nation.agencies:
        kind, member = f"{kind}{SECOND}", member.removesuffix(SECOND)
    found = nation.agencies.get(member)
    if found:
        return _(KINDS[kind], agency=pick(found.name, messages.language()))
    return _(KINDS.get(name) or name)
