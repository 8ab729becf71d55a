"""No configuration that is older than one that was in force counts again: not while a gateway runs, not after it."""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from onedoor.exchange import configuration, newest
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import journal, lab, publishing
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.gateway import identities, local, published
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.workers import Share
from onedoor.exchange.tests.nation import LOOKUP, Place, free_base, full_disk, system_of, wait_for
from onedoor.kernel.tests.serving import serving
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

SOON = "from onedoor.exchange.gateway import main; main.REFRESH = main.RETRY = 0.2"
OLDER = "configuration.refused why=older"
Made = Callable[[Path], Core]
FIRST, SECOND = 9_000_000_000_001, 9_000_000_000_002


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base(), before=SOON) as place:
        yield place


@pytest.fixture
def folder(place: Place, tmp_path: Path) -> Path:
    """Return a copy of the folder of the portal's gateway, which has seen no configuration yet."""
    folder = tmp_path / "gateway"
    shutil.copytree(place.seats["G22"].gateway_state, folder)
    for name in (local.CONFIGURATION, local.NEWEST):
        (folder / name).unlink(missing_ok=True)
    return folder


def signed(place: Place, serial: int, **changed: Any) -> bytes:
    """Return what the directory signed, under another serial."""
    folder = place.layout.directory
    data = configuration.content((folder / publishing.SIGNED).read_bytes()) | {"serial": serial} | changed
    return configuration.write(data, load_key(folder / "signing.key"), load_certificates(folder / "signing.pem")[0])


@pytest.fixture
def core() -> Iterator[Callable[[Path], Core]]:
    """Return what makes the core of a gateway, as it is when its process has just started."""
    made: list[Core] = []

    def core(folder: Path) -> Core:
        (folder / local.LOG).mkdir(exist_ok=True)
        made.append(Core(local.read(folder), cast("Log", None), Share()))
        return made[-1]

    yield core
    for one in made:
        one.indices.close()


def kept(folder: Path) -> tuple[int, int]:
    """Return the serials of the file for the next start, and of the newest that counted."""
    serial: int = configuration.content((folder / local.CONFIGURATION).read_bytes())["serial"]
    return serial, newest.known(folder / local.NEWEST)


def test_a_gateway_that_runs_goes_back_to_no_older_configuration(
    place: Place, folder: Path, core: Made, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = core(folder)
    assert running.accept(signed(place, SECOND, rights=[]))
    assert not running.accept(signed(place, FIRST))
    assert f"{OLDER} serial={FIRST} newest={SECOND}" in caplog.text
    used = running.current()
    assert used
    assert (used.serial, list(used.rights), kept(folder)) == (SECOND, [], (SECOND, SECOND))
    (folder / local.NEWEST).unlink()
    assert not running.accept(signed(place, FIRST)), "whatever became of the mark"
    assert (running.current(), kept(folder)) == (used, (SECOND, 0))
    monkeypatch.setattr(time, "time", lambda: used.ends)
    assert running.current() is None, "with its end it counts no more"


def test_a_configuration_is_used_though_a_key_cannot_be_changed_just_now(
    place: Place, folder: Path, core: Made, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    running, loaded = core(folder), list[int]()
    gateways = configuration.content(signed(place, FIRST))["gateways"]
    own, other = (next(one for one in gateways if one["id"] == f"VN/GOV/{name}/GATEWAY") for name in ("G22", "G15"))
    own["signing"], other["signing"] = other["signing"], own["signing"]
    monkeypatch.setattr(identities, "take_over", full)
    monkeypatch.setattr(running, "load_grants", lambda: loaded.append(1))
    assert running.accept(signed(place, SECOND, gateways=gateways))
    assert ("gateway.key_not_changed" in caplog.text, loaded) == (True, [1])


def test_neither_does_one_that_starts_with_an_older_file_in_its_folder(
    place: Place, folder: Path, core: Made, caplog: pytest.LogCaptureFixture
) -> None:
    assert core(folder).accept(signed(place, SECOND))
    (folder / local.CONFIGURATION).write_bytes(signed(place, FIRST))
    anew = core(folder)
    assert not anew.accept((folder / local.CONFIGURATION).read_bytes())
    assert (anew.current(), f"{OLDER} serial={FIRST} newest={SECOND}" in caplog.text) == (None, True)
    with pytest.raises(ConfigurationRefused, match="older than one that was in force here"):
        published.kept(folder, local.read(folder).anchors, datetime.now(UTC))
    assert anew.accept(signed(place, SECOND)), "the newer one is taken when it comes"
    assert kept(folder) == (SECOND, SECOND)


def test_what_one_worker_uses_no_other_worker_falls_behind(place: Place, folder: Path, core: Made) -> None:
    one, other = core(folder), core(folder)
    assert one.accept(signed(place, SECOND))
    assert not other.accept(signed(place, FIRST))
    assert kept(folder) == (SECOND, SECOND)
    assert other.accept(signed(place, SECOND))


def test_who_says_what_is_newest_waits_for_another(tmp_path: Path) -> None:
    path = tmp_path / local.NEWEST

    def counts() -> bool:
        with newest.taken(path, FIRST) as fit:
            return fit

    with ThreadPoolExecutor(1) as other:
        with newest.taken(path, SECOND):
            older = other.submit(counts)
            with pytest.raises(TimeoutError):
                older.result(0.2)
        assert not older.result(5)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("module", [published, newest], ids=["before the file", "behind the file"])
def test_a_crash_while_it_is_kept_leaves_one_that_counts(
    place: Place, folder: Path, core: Made, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    def end(*_: object, **__: object) -> None:
        raise Killed

    assert core(folder).accept(signed(place, FIRST))
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_durably", end)
        with pytest.raises(Killed):
            core(folder).accept(signed(place, SECOND))
    anew = core(folder)
    assert anew.accept((folder / local.CONFIGURATION).read_bytes())
    assert kept(folder)[0] == kept(folder)[1]


def test_a_full_disk_holds_up_no_newer_configuration(
    place: Place, folder: Path, core: Made, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    running = core(folder)
    assert running.accept(signed(place, FIRST))
    monkeypatch.setattr(published, "write_durably", full)
    assert running.accept(signed(place, SECOND, rights=[])), "a right that was taken away is away"
    assert "configuration.not_kept" in caplog.text


@pytest.mark.parametrize("said", ["", "none", "\xff"])
def test_a_mark_that_cannot_be_read_stops_nothing_and_is_told(
    place: Place, folder: Path, core: Made, caplog: pytest.LogCaptureFixture, said: str
) -> None:
    (folder / local.NEWEST).write_text(said, "latin-1")
    assert core(folder).accept(signed(place, FIRST))
    assert "configuration.newest_unreadable" in caplog.text
    assert kept(folder) == (FIRST, FIRST)


def test_the_directory_signs_no_smaller_serial_though_its_clock_was_put_back(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(place.layout.directory, tmp_path / "directory")
    publisher = Publisher(tmp_path / "directory")
    first = configuration.content(publisher.publish())["serial"]
    monkeypatch.setattr("onedoor.exchange.directory.publishing.time.time_ns", lambda: 10**18)
    assert configuration.content(publisher.publish())["serial"] == first + 1
    (tmp_path / "directory" / publishing.SIGNED).write_bytes(b"torn")
    assert configuration.content(publisher.publish())["serial"] == 10**12


def test_a_command_may_publish_while_the_directory_does(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(place.layout.directory, tmp_path / "directory")
    replace, served = Path.replace, []

    def meanwhile(draft: Path, to: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        served.append(Publisher(folder).publish())
        return replace(draft, to)

    monkeypatch.setattr(Path, "replace", meanwhile)
    served.append(Publisher(folder).publish())
    assert (folder / publishing.SIGNED).read_bytes() == served[1]
    assert {one.name for one in folder.glob(f".{publishing.SIGNED}*")} == set()


def test_a_full_disk_holds_no_drafts(place: Place, tmp_path: Path) -> None:
    folder = shutil.copytree(place.layout.directory, tmp_path / "directory")
    before = {one.name for one in folder.iterdir()}
    for write in (Publisher(folder).publish, lambda: lab.write(folder / publishing.CONTENT, bytes(101))):
        with full_disk(), pytest.raises(OSError, match="File too large"):
            write()
    assert {one.name for one in folder.iterdir()} == before


def test_content_that_is_put_back_from_a_backup_is_signed_at_once(place: Place, tmp_path: Path) -> None:
    folder = shutil.copytree(place.layout.directory, tmp_path / "directory")
    (folder / journal.JOURNAL).touch()
    publisher = Publisher(folder)
    before = publisher.changed()
    os.utime(folder / publishing.CONTENT, (10**9, 10**9))
    assert publisher.changed() != before


def test_who_replays_an_older_configuration_brings_no_right_back(place: Place) -> None:
    state, port = place.seats["G22"].gateway_state, int(place.layout.directory_address.rpartition(":")[2])
    data = json.loads(json.dumps(configuration.content((place.layout.directory / publishing.SIGNED).read_bytes())))
    gateways = [one for one in data["gateways"] if "G01" not in one["id"]]
    before, after = signed(place, FIRST), signed(place, SECOND, gateways=gateways)
    client = place.client()

    def error() -> str | None:
        return place.ask(LOOKUP, client=client).headers.get("x-road-error")

    with system_of(place, "G01"):
        with serving(lambda _: before, port):
            place.start("gateway-G22", "gateway-G01")
            wait_for(lambda: error() is None, "traffic")
        with serving(lambda _: after, port):
            wait_for(lambda: error() == "Server.ClientProxy.UnknownMember", "the other gateway is away")
        place.kill("gateway-G22")
        (state / local.CONFIGURATION).write_bytes(before)
        place.start("gateway-G22")
        assert error() == "Server.ClientProxy.OutdatedGlobalConf"
        assert OLDER in place.output("gateway-G22")
        with serving(lambda _: before, port):
            wait_for(lambda: place.output("gateway-G22").count(OLDER) > 2, "the older one is refused again")
            assert error() == "Server.ClientProxy.OutdatedGlobalConf"
        with serving(lambda _: after, port):
            wait_for(lambda: error() == "Server.ClientProxy.UnknownMember", "the newer one is taken by itself")
    client.close()
    assert kept(state) == (SECOND, SECOND)
