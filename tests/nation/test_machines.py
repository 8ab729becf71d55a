"""One agency per machine: facts come from other computers and a case goes to one, over the wire between them."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from onedoor.kernel import nation as nations
from onedoor.kernel.ids import uuid7
from onedoor.signing.pades import check_pdf
from onedoor.site import kinds
from onedoor.site.story.browser import Form, Page
from onedoor.site.story.places import places
from onedoor.site.story.play import MOTHER, SERVICE, Story
from onedoor.site.up.plan import VERSIONS
from tests.nation.machines import Machine, Wire, refused
from tests.nation.running import HOME, copy_of_the_nation, onedoor, wait_for
from tests.nation.test_doctor import ENTRY

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
ADDRESSES = {"G22": "10.77.0.22", "G01": "10.77.0.1", "G15": "10.77.0.15"}
PEOPLE = "40"
ONE_STEP, QUESTION = Path(__file__).with_name("one-step"), "vn.ask-commune"
"""A service of one agency: the birth's facts are also held by agencies that have no computer here."""
READS = "SELECT count(*) FROM store_ledger_entry WHERE kind = 'privacy.read'"
Machines = dict[str, Machine]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    if why := refused():
        pytest.skip(why)
    wire = Wire()
    yield wire
    wire.remove()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the nation's files, and beside them a service of one step."""
    folder = copy_of_the_nation(tmp_path_factory.mktemp("files") / "vietnam")
    return shutil.copytree(ONE_STEP, folder, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def machines(wire: Wire, files: Path) -> Iterator[Machines]:
    """Give three computers set up as the how-to says: the portal's with the directory, and two agencies'."""
    home = HOME / f"{os.getpid()}-machines"
    var, people = home / "var", home / "people"
    hosts = [word for member, address in ADDRESSES.items() for word in ("--host", f"{member}={address}")]
    commands = (
        ("provision", "--nation", str(files), "--var", str(var), *hosts),
        ("nation", "people", "--nation", str(files), "--count", PEOPLE, "--seed", "1", "--out", str(people)),
    )
    with ThreadPoolExecutor() as at_once:
        provisioned, made = at_once.map(lambda arguments: onedoor(*arguments), commands)
    assert provisioned.returncode == made.returncode == 0, provisioned.stderr + made.stderr
    told = {line.split()[0]: line.partition(": ")[2].split() for line in provisioned.stdout.splitlines()}
    found: Machines = {}
    try:
        for member, address in ADDRESSES.items():
            found[member] = machine = Machine(member, address, home / member, var)
            machine.folder.mkdir(mode=0o711)
            for name in set(told[member]) - {VERSIONS}:
                (var / name).rename(machine.folder / name)
            wire.connect(machine.namespace, member, address)
        for key in found["G22"].folder.glob("directory/ca*/ca.key"):
            key.unlink()
        versions = (var / VERSIONS).rename(home / VERSIONS)
        shutil.rmtree(var)
        var.mkdir()
        for machine in found.values():
            if machine.member == "G15":  # one that got no files begins with those it is given
                machine.run("", "nation", "load", str(files), "--var", str(var))
            else:
                shutil.copytree(versions, machine.folder / VERSIONS)
        _start(found, people)
        yield found
    finally:
        for machine in found.values():
            machine.ask_to_stop()
        for machine in found.values():
            machine.remove()
    shutil.rmtree(home)


def _start(found: Machines, people: Path) -> None:
    portal = found["G22"]
    for member, machine in found.items():  # from this thread: what it starts ends with it
        state = "portal" if machine is portal else f"node-{member}"
        machine.start_database(state, state.lower().replace("-", "_"))
    with ThreadPoolExecutor() as at_once:
        list(at_once.map(lambda machine: _migrate(machine, people), found.values()))
    portal.start("directory", "directory")
    portal.start("portal-web", "web")
    portal.start("portal-worker", "worker")
    for member, machine in found.items():
        machine.start(f"gateway-{member}", "gateway")
        if machine is not portal:
            machine.start(f"node-{member}", "node")
    _wait(found)


def _wait(found: Machines) -> None:
    """Wait until everything listens."""
    portal = found["G22"]
    for member, machine in found.items():
        names = ("portal-web", f"gateway-{member}") if machine is portal else (f"node-{member}", f"gateway-{member}")
        settings = [machine.settings(name) for name in names]
        addresses = [
            settings[0]["ONEDOOR_LISTEN"],
            settings[1]["ONEDOOR_LISTEN"],
            settings[1]["ONEDOOR_EXCHANGE_LISTEN"],
        ]
        assert machine.listens(*addresses), machine.last_words()


def _migrate(machine: Machine, people: Path) -> None:
    told = machine.run("", "migrate", "--var", str(machine.var), "--load", str(people))
    assert told == ("portal:\n" if machine.member == "G22" else f"node-{machine.member}:\n")


@pytest.fixture
def mother(machines: Machines, files: Path) -> Story:
    kinds.load()
    folder = machines["G22"].folder
    return Story(places(nations.load(files), folder, 8000), folder, lambda _sentence: None)


def page_after_who(story: Story) -> Page:
    """Return the form after the mother said who she is to the child: what the State knows of her was asked."""
    browser = story.signed_in(MOTHER, story.places.page("sign-in"))
    page = browser.get(browser.get(story.places.page(f"services/{SERVICE}")).link(f"services/{SERVICE}/apply"))
    for _ in range(2):
        form = page.main_form()
        if "relation" in form.names:
            form.fill({"relation": "mother"})
        page = browser.submit(form)
    return page


def reads(machine: Machine) -> int:
    database = f"node_{machine.member.lower()}"
    with machine.server.as_superuser(database) as connection:
        return int(connection.execute(READS).fetchall()[0][0])


def test_a_fact_is_asked_of_two_agencies_on_computers_of_their_own(machines: Machines, mother: Story) -> None:
    before = {member: reads(machines[member]) for member in ("G01", "G15")}

    def both_were_asked() -> bool:
        page = machines["G22"].here(lambda: page_after_who(mother))
        return page.status == 200 and all(reads(machines[member]) > before[member] for member in before)

    wait_for(both_were_asked, "no fact comes", 60)


def asked_the_commune(story: Story) -> str:
    """Return the code of a case that the mother sent to the commune."""
    browser = story.signed_in(MOTHER, story.places.page("sign-in"))
    page = browser.get(story.places.page(f"services/{QUESTION}/apply"))
    for _ in range(4):
        form = page.main_form()
        page = browser.submit(form.fill({"words": "Xin chào"}) if "words" in form.names else form).found()
        if "/receipt" in page.address:
            return page.address.split("/cases/")[1].split("/")[0]
    raise AssertionError(page.text())


def test_a_case_is_handed_over_to_another_computer_and_its_sealed_result_comes_back(
    machines: Machines, mother: Story
) -> None:
    portal, commune = machines["G22"], machines["G15"]
    mother.told.case = portal.here(lambda: asked_the_commune(mother))

    def case() -> dict[str, Any]:
        return dict(portal.here(mother.case))

    (step,) = wait_for(lambda: [one for one in case()["steps"] if one["state"] == "working"], "it is not taken over")
    assert step["agency"] == "commune-00199"
    commune.here(lambda: mother.decide(step))
    done = wait_for(lambda: (found := case())["state"] == "done" and found, "no result comes")
    (result,) = done["results"]
    content = portal.here(lambda: mother.browsers[MOTHER].get(result["file"]).found().content)
    verdict = check_pdf(content, places(mother.places.nation, commune.folder, 8000).trust())
    assert verdict.valid, verdict.reasons


def test_between_computers_only_gateways_and_the_directory_can_be_reached(machines: Machines) -> None:
    portal = machines["G22"]
    gateway = machines["G01"].settings("gateway-G01")["ONEDOOR_EXCHANGE_LISTEN"]
    assert gateway.startswith(ADDRESSES["G01"])
    assert portal.listens(gateway, seconds=1)
    node = machines["G01"].settings("node-G01")
    for inside in (node["ONEDOOR_LISTEN"], node["ONEDOOR_EXCHANGE_LISTEN"]):
        assert not portal.listens(f"{ADDRESSES['G01']}:{inside.rpartition(':')[2]}", seconds=0)
    assert machines["G01"].listens(portal.settings("directory")["ONEDOOR_LISTEN"], seconds=1)


def test_a_computer_holds_no_key_of_another_member(machines: Machines) -> None:
    for member, machine in machines.items():
        done = subprocess.run(machine.command("/bin/ls", str(machine.var)), capture_output=True, text=True, check=True)
        folders = {one for one in done.stdout.split() if (machine.folder / one).is_dir()} - {"postgres", VERSIONS}
        own = {"portal", "directory"} if member == "G22" else {f"node-{member}"}
        assert folders == own | {f"gateway-{member}"}


def test_a_cut_wire_is_said_and_a_mended_one_serves_again(machines: Machines, mother: Story, wire: Wire) -> None:
    portal, gateway = machines["G22"], machines["G01"].settings("gateway-G01")["ONEDOOR_EXCHANGE_LISTEN"]
    wire.set("G01", "down")
    try:
        before = reads(machines["G01"])
        page = portal.here(lambda: page_after_who(mother))
        assert page.tree.xpath("//*[@id='again']"), page.text()
        assert reads(machines["G01"]) == before
    finally:
        wire.set("G01", "up")
    assert portal.listens(gateway)

    def asked_again() -> bool:
        again = Form(page, page.tree.get_element_by_id("again"))
        portal.here(lambda: mother.browsers[MOTHER].submit(again))
        return reads(machines["G01"]) > before

    wait_for(asked_again, "no fact comes again", 60)


def test_an_operator_asks_a_computer_how_it_is(machines: Machines) -> None:
    portal = machines["G22"]
    found = json.loads(portal.run("", "status", "--json", "--var", str(portal.var)))["processes"]
    assert set(found) == {path.stem for path in portal.folder.glob("*.env")}
    assert {one["health"] for one in found.values()} <= {"ok", "limited"}, found  # two members do not run
    assert portal.run("", "doctor", "--var", str(portal.var)) == f"{portal.var}: all is well.\n"


def test_a_destroyed_computer_stands_again_from_its_backup_and_says_what_it_lost(
    machines: Machines, mother: Story
) -> None:
    machine = machines["G01"]
    home, var = machine.folder.parent, ("--var", str(machine.var))
    where = ("--data", str(home / "data" / "data.tar.gz"), "--keys", str(home / "safe" / "keys.tar.gz"))
    assert "node_g01" in machine.run("", "backup", *var, *where)
    kept = published(machine.folder)
    with machine.server.as_superuser("node_g01") as connection:
        connection.execute(ENTRY, [uuid7()])
    wait_for(lambda: published(machine.folder) > kept, "what came after the backup is not published", 20)
    machine.stop_services()
    with machine.server.as_superuser() as connection:
        connection.execute("DROP DATABASE node_g01")
    old = home / "old"
    shutil.copytree(machine.folder, old)
    for path in machine.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    machine.make_database("node-G01", "node_g01")
    told = machine.run("", "restore", *var, *where, "--published", str(old))
    assert re.search(r"node-G01: \d+ entries of the ledger are newer than the database", told), told
    machine.start("gateway-G01", "gateway")
    machine.start("node-G01", "node")
    _wait(machines)
    wait_for(lambda: asked(machines, mother), "no fact comes from the computer that was restored", 60)
    assert machine.run("", "doctor", *var) == f"{machine.var}: all is well.\n"


def asked(machines: Machines, mother: Story) -> bool:
    """Return whether a fact was asked of the agency on another computer, and read there."""
    before = reads(machines["G01"])
    machines["G22"].here(lambda: page_after_who(mother))
    return reads(machines["G01"]) > before


def published(folder: Path) -> int:
    path = folder / "node-G01" / "ledger" / "published" / "checkpoint"
    return int(path.read_text().splitlines()[1]) if path.exists() else 0
