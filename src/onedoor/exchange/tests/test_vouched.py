"""What a gateway hands out to verify evidence with carries the directory's own signature: its anchor says whose."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onedoor.exchange import configuration as signed_for_us
from onedoor.exchange import parameters
from onedoor.exchange.connections import Connections
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.directory.sources import Sources
from onedoor.exchange.evidence import configuration, report
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.exchange.gateway import verification
from onedoor.exchange.tests.nation import Place, System, wait_for
from onedoor.exchange.tests.test_asic import asked, got, unpacked

OURS, LIST = "verificationconf/VN/shared-params.xml", "verificationconf/VN/externalconf"
Change = Callable[[dict[str, bytes]], None]


def zipped(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "conf.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def anchor_of(place: Place, kind: str = "external") -> Path:
    return place.layout.directory / "sources" / kind / parameters.ANCHOR


@pytest.fixture
def evidence(place: Place, system: System, portal: Connections, tmp_path: Path) -> Path:
    assert place.ask(client=portal, X_Road_Id=f"vouched-{tmp_path.name}").status == 200
    path = tmp_path / "one.asice"
    path.write_bytes(asked(portal, f"vouched-{tmp_path.name}", more="&requestOnly&unique&force").body)
    return path


@pytest.fixture
def handed(place: Place, portal: Connections) -> dict[str, bytes]:
    """Return the files that the gateway hands out, once it knows what the directory signed."""

    def files() -> dict[str, bytes]:
        return unpacked(got(portal, "/verificationconf").body)

    wait_for(lambda: LIST in files(), "the gateway's next look at the directory")
    return files()


def reasons(evidence: Path, conf: Path, *anchors: Path) -> list[Reason]:
    found = report.verify(evidence, configuration.load(conf, anchors))
    assert found.integrity.verdict == "valid"
    return [one.reason for one in found.trust or ()]  # type: ignore[misc]


def test_who_has_the_anchor_need_not_trust_the_gateway(
    place: Place, evidence: Path, handed: dict[str, bytes], tmp_path: Path
) -> None:
    conf, anchor = zipped(tmp_path, handed), anchor_of(place)
    command = (sys.executable, "-m", "onedoor.site", "exchange", "verify", evidence, "--conf", conf)
    done = subprocess.run([*command, "--anchor", anchor], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "Trust: valid"), done.stdout + done.stderr
    assert "is signed with a key of the anchor" in done.stdout
    found = report.verify(evidence, configuration.load(conf))
    assert [one.reason for one in found.remarks] == [Remark.NO_ANCHOR]
    assert reasons(evidence, conf, anchor_of(place, "internal"))[0] == Reason.CONFIGURATION_ANCHOR


def forged(files: dict[str, bytes]) -> None:
    files[OURS] = files[OURS].replace(b"<memberCode>G22<", b"<memberCode>G23<")


def unsigned(files: dict[str, bytes]) -> None:
    del files[LIST]


def signed_by_another(files: dict[str, bytes], folder: Path) -> None:
    """Change what is approved, and sign that with a key which the changed parameters and a new anchor name."""
    now = datetime.now(UTC)
    made = Sources(folder)
    made.renew(now)
    pem = made.listed(now)["external"]
    data = {"instance": "VN", "address": "x:1", "authorities": [], "members": [], "gateways": [], "sources": {}}
    data["sources"] = {"external": pem}
    files[OURS], files[LIST] = parameters.shared(data), made.vouch(data, now, now.replace(year=2099)).encode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (forged, Reason.CONFIGURATION_CHANGED),
        (unsigned, Reason.CONFIGURATION_ANCHOR),
        (None, Reason.CONFIGURATION_ANCHOR),
    ],
    ids=["changed", "left out", "another's"],
)
def test_a_gateway_that_hands_out_another_configuration_is_found_out(
    place: Place, evidence: Path, handed: dict[str, bytes], tmp_path: Path, change: Change | None, why: Reason
) -> None:
    if change:
        change(handed)
    else:
        signed_by_another(handed, tmp_path / "keys")
    assert reasons(evidence, zipped(tmp_path, handed), anchor_of(place))[0] == why


def test_an_instance_without_one_of_the_anchors_given_counts_for_nothing(
    place: Place, evidence: Path, handed: dict[str, bytes], tmp_path: Path
) -> None:
    other = tmp_path / "other.xml"
    other.write_bytes(anchor_of(place).read_bytes().replace(b">VN<", b">FI<"))
    assert reasons(evidence, zipped(tmp_path, handed), other)[0] == Reason.ANCHOR_MISSING
    assert reasons(evidence, zipped(tmp_path, handed), other, anchor_of(place)) == []
    for wrong in (b"", b"<a/>"):
        other.write_bytes(wrong)
        with pytest.raises(configuration.NotAnAnchor):
            configuration.load(tmp_path / "conf.zip", [other])


def test_an_instance_may_have_several_anchors_in_any_order(
    place: Place, evidence: Path, handed: dict[str, bytes], tmp_path: Path
) -> None:
    conf, both = zipped(tmp_path, handed), [anchor_of(place), anchor_of(place, "internal")]
    assert reasons(evidence, conf, *both) == reasons(evidence, conf, *reversed(both)) == []
    assert configuration.load(conf, both)["VN"].signature.kind == "anchored"
    del handed[LIST]
    assert reasons(evidence, zipped(tmp_path, handed), *both)[0] == Reason.CONFIGURATION_ANCHOR


def test_without_a_key_of_x_roads_form_ours_is_signed_all_the_same(place: Place, tmp_path: Path) -> None:
    for name in ("content.json", "signing.pem", "signing.key"):
        shutil.copy(place.layout.directory / name, tmp_path)
    publisher = Publisher(tmp_path)
    assert signed_for_us.content(publisher.publish())["externalconf"] == ""
    publisher.publish_sources()
    assert "SHARED-PARAMETERS" in signed_for_us.content(publisher.publish())["externalconf"]
    for key in (tmp_path / "sources" / "external").glob("*.key"):
        key.write_bytes(b"broken")
    assert signed_for_us.content(publisher.publish())["externalconf"] == ""


def test_a_list_of_parameters_that_a_directory_of_another_version_wrote_otherwise_is_left_out(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("content.json", "signing.pem", "signing.key"):
        shutil.copy(place.layout.directory / name, tmp_path)
    publisher = Publisher(tmp_path)
    publisher.publish_sources()
    written = parameters.shared

    def listed(signed: bytes) -> bool:
        return LIST in unpacked(verification._zipped(signed, frozenset()))

    assert listed(publisher.publish())
    signed = publisher.publish()
    monkeypatch.setattr(parameters, "shared", lambda data: written(data) + b"<!-- -->")
    assert not listed(signed)
