"""``onedoor rights ask|approve``: on which law, kept before it counts, mended after a crash."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onedoor.exchange import configuration, granting, permissions
from onedoor.exchange.directory import journal
from onedoor.exchange.gateway import local
from onedoor.exchange.granting import Provider
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key
from onedoor.site.lab import invented
from onedoor.site.tests.test_rights_command import ECHO, M1, WHAT, WHY, Says, in_force
from onedoor.site.tests.test_rights_command import provisioned as provisioned
from onedoor.site.tests.test_rights_command import says as says
from onedoor.site.tests.test_rights_command import var as var


class Killed(BaseException):
    """The process ends here."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def asked(var: Path, says: Says, **named: str) -> Path:
    """Return the file of an ask of the first member; *named* is what else than usual its gateway signs."""
    path = var / "ask.json"
    with pytest.MonkeyPatch.context() as patch:
        data = granting.Ask.data
        patch.setattr(granting.Ask, "data", lambda ask: data(ask) | named)
        path.write_text(says("ask", M1, ECHO, *WHAT, *WHY, at="M1"))
    return path


def test_an_ask_stands_on_a_law_that_the_nations_right_names(var: Path, says: Says) -> None:
    told = says("ask", M1, ECHO, *WHAT, "--basis", "no-such-law", "--why", "to greet", at="M1", code=2)
    assert f"for try stands on {invented.BASIS}, not on no-such-law" in told
    assert not (var / "gateway-M1" / granting.ASKS).exists()


def test_a_provider_believes_no_asker_about_the_law(var: Path, says: Says) -> None:
    path = asked(var, says, basis="no-such-law")
    assert f"stands on {invented.BASIS}, not on no-such-law" in says("approve", path, code=2)
    assert not (var / "gateway-M2" / granting.DECISIONS).exists()
    assert in_force(var) == []
    assert "Refused, and kept" in says("refuse", path, "--why", "no such law")


def test_where_a_directory_of_before_names_no_laws_any_is_taken(var: Path, says: Says) -> None:
    known = var / "gateway-M2" / local.CONFIGURATION
    before = known.read_bytes()
    data = configuration.content(before)
    rights = [journal.without_bases(one) for one in data["rights"]]
    assert all(one["bases"] == [invented.BASIS] for one in data["rights"])
    folder = var / "directory"
    key, (certificate, *_) = load_key(folder / "signing.key"), load_certificates(folder / "signing.pem")
    known.write_bytes(configuration.write(data | {"rights": rights}, key, certificate))
    try:
        assert "Granted" in says("approve", asked(var, says, basis="no-such-law"))
    finally:
        known.write_bytes(before)


def test_an_ask_is_kept_before_anybody_gets_it(
    var: Path, says: Says, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, kept = asked(var, says), var / "gateway-M1" / granting.ASKS
    assert [json.loads(one) for one in kept.read_text().splitlines()] == [json.loads(path.read_text())]
    assert f"Asked from here: {M1} → {ECHO}, because “to greet”" in says("list", at="M1")
    assert json.loads(says("list", "--json", at="M1"))["asks"] == [json.loads(path.read_text())["ask"]]
    monkeypatch.setattr(permissions, "append_durably", killed)
    with pytest.raises(Killed):
        says("ask", M1, ECHO, *WHAT, *WHY, at="M1")
    assert capsys.readouterr().out == ""


def test_a_decision_is_kept_before_what_it_grants_and_a_crash_between_is_mended(
    var: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, day = asked(var, says), (datetime.now(UTC) + timedelta(days=10)).date()
    with monkeypatch.context() as patch:
        patch.setattr(permissions, "append_durably", killed)
        with pytest.raises(Killed):
            says("approve", path)
    assert in_force(var) == [], "nothing is granted that no decision tells of"
    with monkeypatch.context() as patch:
        patch.setattr(permissions, "write_durably", killed)
        with pytest.raises(Killed):
            says("approve", path, "--until", day)
    provider = Provider(var / "gateway-M2", datetime.now(UTC))
    assert (len(provider.decisions()), provider.grants()) == (1, [])
    assert "already: granted" in says("refuse", path, "--why", "no", code=2)
    assert f"It ends on {day}" in says("approve", path), "as it was decided"
    assert len(provider.decisions()) == 1
    assert in_force(var) == [(M1, ("GET /greetings",))]
    assert "already: granted" in says("approve", path, code=2)
    says("revoke", M1, ECHO)
    assert "already: granted" in says("approve", path, code=2)
    assert in_force(var) == [], "what was revoked since is not missing"


KEPT = "onedoor.exchange.permissions:append_durably"
GRANTED = "onedoor.exchange.permissions:write_durably"


@pytest.mark.parametrize(
    ("step", "before", "decided", "granted"),
    [
        (KEPT, True, 0, 0),
        (KEPT, False, 1, 0),
        (GRANTED, True, 1, 0),
        ("onedoor.kernel.durable:os.replace", True, 1, 0),
        (GRANTED, False, 1, 1),
    ],
)
def test_a_process_that_is_killed_at_a_step_of_a_decision_leaves_no_grant_without_it(
    var: Path, says: Says, step: str, before: bool, decided: int, granted: int
) -> None:
    path, state = asked(var, says), var / "gateway-M2"
    command = ["rights", "approve", str(path), "--state", str(state)]
    lives = f"from onedoor.site.cli import run; Step('', '', {step!r}, {before}).arm(1); run({command!r})"
    code = f"from onedoor.exchange.tests.mortal import Step; {lives}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b""), ended.stderr
    provider = Provider(state, datetime.now(UTC))
    assert (len(provider.decisions()), len(provider.grants())) == (decided, granted)
    says("approve", path, code=2 if granted else 0)
    assert (len(provider.decisions()), in_force(var)) == (1, [(M1, ("GET /greetings",))])


def test_what_stands_in_a_file_beside_an_ask_is_neither_kept_nor_a_reason_to_fail(var: Path, says: Says) -> None:
    path = asked(var, says)
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"beside": "\ud800", "much": float("nan")}))
    assert "Granted" in says("approve", path)
    assert [one["asked"] for one in Provider(var / "gateway-M2", datetime.now(UTC)).decisions()] == [told]


def test_an_ask_for_what_is_granted_already_changes_no_grant(var: Path, says: Says) -> None:
    says("grant", M1, ECHO, *WHAT)
    path = asked(var, says)
    assert "Granted" in says("approve", path)
    assert len(Provider(var / "gateway-M2", datetime.now(UTC)).grants()) == 1
    says("revoke", M1, ECHO)
    assert "already: granted" in says("approve", path, code=2)
    assert in_force(var) == []


def test_what_an_earlier_version_decided_is_decided(var: Path, says: Says) -> None:
    path, folder = asked(var, says), var / "gateway-M2"
    record = {"asked": json.loads(path.read_text()), "refused": "", "until": None, "by": "anna", "moment": "2026-01-01"}
    permissions.append_signed(folder / granting.DECISIONS, granting.DECISION, record, load_key(folder / "signing.key"))
    assert "already: granted" in says("approve", path, code=2)
    assert in_force(var) == []
