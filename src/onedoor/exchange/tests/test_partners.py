"""What a directory knows of its federation's partners outlasts its restart, and reaches gateways before it ends."""

import asyncio
import json
import math
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onedoor.exchange import configuration
from onedoor.exchange.directory import lab
from onedoor.exchange.directory.federation import MOST, Partners
from onedoor.exchange.directory.main import RENEW, DirectoryServer
from onedoor.exchange.directory.publishing import PARTNERS
from onedoor.exchange.tests.test_sources import Made
from onedoor.kernel.nation import load
from onedoor.kernel.settings import REPOSITORY
from onedoor.signing import keys

LASTS = timedelta(minutes=10)
"""How long a list of X-Road's own sources is in force."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setattr(keys, "RSA_BITS", 2048)
    made, now = Made(tmp_path), datetime.now(UTC)
    made.sources.renew(now)
    made.sources.publish(made.data | {"sources": made.sources.listed(now)}, now, now + LASTS)
    return made


@pytest.fixture
def folder(tmp_path: Path, made: Made) -> Path:
    """The folder of a directory that has looked at the partner."""
    lab.provision(load(REPOSITORY / "nations" / "testland"), tmp_path / "var", 9000)
    folder = tmp_path / "var" / "directory"
    (folder / PARTNERS).mkdir()
    (folder / PARTNERS / "one.xml").write_bytes(made.anchor("external"))
    assert Partners(folder / PARTNERS, "TL", made.ask).look(datetime.now(UTC))
    return folder


def silent(_url: str) -> bytes:
    raise ConnectionRefusedError


def restored(folder: Path, now: datetime) -> Partners:
    """Return the partners as a directory knows them that starts while they are silent."""
    partners = Partners(folder, "TL", silent)
    partners.restore(now)
    return partners


def test_a_silent_partner_counts_until_its_list_ends_though_the_directory_starts_anew(folder: Path) -> None:
    now, partners = datetime.now(UTC), folder / PARTNERS
    found = restored(partners, now)
    assert [one["instance"] for one in found.told(now)] == ["VN"]
    assert not found.look(now)
    assert (len(found.told(now)), found.silent) == (1, 1)
    assert (found.told(now + LASTS), found.left(now + LASTS)) == ([], math.inf)
    assert restored(partners, now + LASTS).told(now) == []
    shutil.copy(partners / "one.xml", partners / "two.xml")
    for kept in list(partners.glob("one.*.kept")):
        shutil.copy(kept, partners / kept.name.replace("one", "two"))
        assert len(restored(partners, now).told(now)) == 1, "an instance counts once"
        answers = json.loads(kept.read_text())
        kept.write_text(json.dumps({url: answer.replace("VN", "FI") for url, answer in answers.items()}))
    (partners / "two.xml").unlink()
    assert restored(partners, now).told(now) == [], "what the partner did not sign counts for nothing"


def test_one_partner_too_many_is_told_and_does_not_count(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    now, partners = datetime.now(UTC), folder / PARTNERS
    for number in range(MOST):
        (partners / f"a{number}.xml").write_bytes(b"")
    found = restored(partners, now)
    assert (found.look(now), found.told(now), found.silent) == (False, [], MOST + 1)
    assert "partner_refused anchor=one.xml why=there are 4 partners already" in caplog.text


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_no_partner_takes_the_place_of_another_ones_gateway(
    folder: Path, tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    now, content, known = datetime.now(UTC), (folder / "content.json").read_text(), tmp_path / "known"
    known.mkdir()
    asked: dict[str, Made] = {}

    def ask(url: str) -> bytes | None:
        host = url.split("/")[2]
        return asked[host].ask(url.replace(host, "directory:8400"))

    def told(partners: Partners) -> list[str]:
        return [one["instance"] for one in partners.told(now)]

    for name, instance in zip(names, ("TL", "XL"), strict=True):
        (tmp_path / instance).mkdir()
        asked[f"{instance}:1"] = made = Made(tmp_path / instance)
        own = {"instance": instance, "address": f"{instance}:1", "authorities": made.data["authorities"]}
        made.data = json.loads(content.replace("TL/", f"{instance}/")) | own
        made.publish(now)
        (known / f"{name}.xml").write_bytes(made.anchor("external"))
        found = Partners(known, "VN", ask)
        found.restore(now)
        found.look(now)
        assert told(found) == ["TL"]
    assert found.silent == 1
    assert "it names a TLS certificate that a gateway of another partner shows" in caplog.text
    again = Partners(known, "VN", silent)
    again.restore(now)
    assert told(again) == ["TL"]


def test_what_a_directory_signs_first_names_its_partners_and_it_signs_anew_long_before_they_end(folder: Path) -> None:
    server = DirectoryServer(folder)
    assert [one["instance"] for one in configuration.content(server._signed)["partners"]] == ["VN"]

    async def look() -> float:
        await server.look()
        return server._fresh_until - asyncio.get_running_loop().time()

    assert asyncio.run(look()) <= LASTS.total_seconds() / 2 < RENEW
    assert server._publisher.partners
    server._publisher.partners._known.clear()
    server._fresh_until = 0.0
    assert asyncio.run(look()) > RENEW / 2
