"""One computer of a nation follows another version of its files: rights, grants, offers; no key is made."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from onedoor.exchange.directory import lab, publishing, rights
from onedoor.exchange.directory.layout import Layout, Seat
from onedoor.exchange.gateway import local
from onedoor.kernel.durable import as_owner
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation


class NewMember(OnedoorError):
    """{member} takes no part in the exchange yet: it has no keys. Please run “onedoor provision” again and carry what it makes to each computer."""  # noqa: E501 - one sentence after the other


def here(var: Path) -> bool:
    """Return whether a gateway lives in *var*."""
    return any(var.glob(f"gateway-*/{local.FILE}"))


def follow(nation: Nation, var: Path) -> Iterator[str]:
    """Bring what *nation* says to the gateways, and to the directory, that lie under *var*; yield their names.

    Raise `NewMember` where only new keys help.
    """
    allowed = list(rights.permissions(nation.path))
    seats = list(Layout(nation, var, 0).seats())
    directory = var / "directory" / publishing.CONTENT
    content = json.loads(directory.read_text("utf-8")) if directory.exists() else None
    if content:
        members = {one["id"]: one for one in content["members"]}
        if new := [seat.member_id for seat in seats if seat.member_id not in members]:
            raise NewMember(member=new[0])
        for seat in seats:
            (subsystem,) = members[seat.member_id]["subsystems"]
            subsystem["services"] = [lab.listed(offer) for offer in _offers(nation, seat)]
        content["rights"] = [one.right() for one in allowed]
    for seat in seats:
        for one in seat.gateways:
            if (one.gateway_state / local.FILE).exists():
                with as_owner(one.gateway_state):
                    _offer_anew(nation, one)
                    if not one.second:
                        lab.grant(one, allowed)
                yield one.gateway
    if content:
        with as_owner(directory.parent):
            lab.write(directory, json.dumps(content, ensure_ascii=False, indent=1).encode())
            publishing.Publisher(directory.parent).publish()
        yield "directory"


def _offer_anew(nation: Nation, seat: Seat) -> None:
    """Write the offers of a gateway anew, at the node it has reached so far."""
    path = seat.gateway_state / local.FILE
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    known: Mapping[str, Any] = data["services"][0]
    root = known["url"].partition("/exchange/")[0]
    data["services"] = [lab.offered(offer, root, known["system"]) for offer in _offers(nation, seat)]
    lab.keep_chosen(path, data)
    lab.write(path, json.dumps(data, indent=1).encode())


def _offers(nation: Nation, seat: Seat) -> list[rights.Offer]:
    return list(rights.offers(nation.path, seat.member, portal=seat.place == 0))
