"""An installation of an earlier version is brought forward with all its rows, and a case in flight goes on."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg import sql

from onedoor.site import archives
from onedoor.site.story.play import MOTHER
from onedoor.site.up.plan import Options, Part, parts, systems
from tests.nation.patient import PatientStory
from tests.nation.running import HOME, NATION, Running, free_base, onedoor

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
PREVIOUS = Path(__file__).parent / "previous"
DATA, KEYS = PREVIOUS / "data.tar.gz", PREVIOUS / "keys" / "keys.tar.gz"
TOLD = json.loads((PREVIOUS / "told.json").read_text())
OF_THE_MOMENT = ("procrastinate_", "django_", "identity_session", "store_outbox", "pg_")
"""Tables whose rows come and go by themselves, or tell of the version itself."""
FATHER = "  father: {father: {paths: [father.number], person: true}}"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


@pytest.fixture(scope="module")
def old() -> Iterator[Running]:
    """Give the restored installation of the earlier version, whose database alone runs."""
    if datetime.now(UTC) < datetime.fromisoformat(archives.manifest(DATA)["made_at"]):
        pytest.skip("this computer's clock stands before the day on which the earlier installation was made")
    var = HOME / f"{os.getpid()}-upgrade"
    (var / "files").mkdir(parents=True)  # code and the nation's files are upgraded apart
    subprocess.run(["tar", "-xzf", str(PREVIOUS / "nation.tar.gz")], cwd=var / "files", check=True)
    mend(var / "files" / "vietnam")
    running = Running(var / "nation", free_base(), var / "files" / "vietnam")
    done = onedoor("restore", "--var", str(running.var), "--nation", str(running.folder), "--data", str(DATA),
                   "--keys", str(copied_today(var)), "--without-published")  # fmt: skip
    assert done.returncode == 0, done.stderr
    running.server.start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()
    running.server.stop()
    shutil.rmtree(var)


def copied_today(folder: Path) -> Path:
    """Return the keys of the earlier installation as a copy of today: one of them expires after thirty days."""
    about = archives.unpack(KEYS, folder / "keys")
    kept = {name: fact for name, fact in about.items() if name not in ("format", "digests", "made_at", "expires_at")}
    archives.pack(folder / "keys", folder / "keys.tar.gz", kept | {"made_at": datetime.now(UTC).isoformat()})
    return folder / "keys.tar.gz"


def mend(folder: Path) -> None:
    """Say in the earlier nation's files what this version's check asks for, as its operator is told to."""
    shutil.copytree(NATION / "calendar", folder / "calendar", dirs_exist_ok=True)
    service = folder / "services" / "birth-linked.yaml"
    faults = onedoor("nation", "check", str(folder)).stdout.splitlines()
    lines = service.read_text("utf-8").splitlines()
    for number in [int(fault.split(":")[1]) - 1 for fault in faults if "read in no source" in fault]:
        lines[number] = lines[number].rstrip().removesuffix("}") + ", illustrative: true}"
    service.write_text("\n".join(lines) + "\n", "utf-8")
    births = folder / "registers" / "births.yaml"  # and a look-up that the births of before have no terms for
    births.write_text(births.read_text("utf-8").replace("\nlookups:\n", f"\nlookups:\n{FATHER}\n"), "utf-8")


def system(nation: Running, name: str) -> Part:
    options = Options(nation.folder, nation.var, nation.base, 0, 0, "warning")
    return next(one for one in systems(parts(options, nation.places.nation, nation.server)) if one.name == name)


def told(nation: Running, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = system(nation, name).environment
    return onedoor(*arguments, **{key: value for key, value in environment.items() if key.startswith("ONEDOOR_")})


def rows(nation: Running) -> dict[str, int]:
    """Return how many rows each table of each database has."""
    found = {}
    for database in nation.server.databases():
        with nation.server.as_superuser(database) as connection:
            for (table,) in connection.execute(TABLES).fetchall():
                if not table.startswith(OF_THE_MOMENT):
                    count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
                    found[f"{database}.{table}"] = count.fetchall()[0][0]
    return found


def test_what_would_be_done_is_said_and_nothing_is_done(old: Running) -> None:
    before = rows(old)
    done = told(old, "node-G15", "migrate", "--check")
    assert done.returncode == 1, done.stderr
    assert "registers 0002_valid_time" in done.stdout
    assert "migrations to be done." in done.stdout
    assert rows(old) == before


def test_a_process_does_not_start_on_a_database_of_an_earlier_version(old: Running) -> None:
    done = told(old, "node-G15", "node")
    assert done.returncode == 2
    assert "is of an earlier version: it lacks " in done.stderr
    assert "onedoor migrate" in done.stderr


@pytest.mark.parametrize("command", ["migrate", "web", "worker"])
def test_nothing_is_done_with_a_database_of_a_later_version(old: Running, command: str) -> None:
    with old.server.as_superuser("portal") as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('cases', '9999_later', now())")
        try:
            done = told(old, "portal-worker", command)
        finally:
            connection.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    assert done.returncode == 2
    assert "was made by a newer version: it has cases 9999_later" in done.stderr


def test_all_rows_stay_and_a_case_in_flight_goes_on(old: Running) -> None:
    before = rows(old)
    old.server.stop()
    old.base = free_base()  # another nation may have begun since the fixture looked
    old.__post_init__()
    old.start()
    after = rows(old)
    assert {name: after.get(name) for name in before} == before | {
        name: after[name] for name in before if after.get(name, 0) > before[name]
    }
    assert told(old, "node-G15", "migrate", "--check").returncode == 0
    grown = {name for name in before if name.endswith(".registers_term") and after[name] > before[name]}
    assert grown == {"node_g15.registers_term"}, "the births of before are found by the father"

    story = PatientStory(old.places, old.var.parent / "flying")
    story.signed_in(MOTHER, old.places.page("sign-in"))
    story.told.case = TOLD["done"]
    case = story.case()
    assert case["state"] == "done"
    assert sorted(one["kind"] for one in case["results"]) == sorted(TOLD["results"])
    for result in case["results"]:
        assert story.browsers[MOTHER].get(result["file"]).found().content.startswith(b"%PDF-")
    assert len(story.case("/reads")["reads"]) > 5

    story.told.case = TOLD["flying"]
    story.follow()
    story.collect(story.case())
    assert [one.signature for one in story.told.results] == ["valid"] * len(TOLD["results"])
