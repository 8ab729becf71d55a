"""A configuration that somebody laid down: what is too much, stands twice, or is not closed is none."""

import zipfile
from pathlib import Path

import pytest

from onedoor.exchange.directory import registering
from onedoor.exchange.evidence import configuration, directory
from onedoor.exchange.evidence.configuration import NotAConfiguration
from onedoor.exchange.tests.test_evidence import keeper, parameters, signed

PLACE = "DEV/shared-params.xml"


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    for name in (PLACE, "FED/shared-params.xml"):
        (tmp_path / "conf" / name).parent.mkdir(parents=True)
        (tmp_path / "conf" / name).write_text(parameters(instance=name[:3]))
    return tmp_path / "conf"


@pytest.fixture
def packed(laid: Path) -> Path:
    path = laid.parent / "conf.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in ("DEV", "FED"):
            archive.write(laid / one / "shared-params.xml", f"{one}/shared-params.xml")
    return path


def test_an_instance_stands_in_a_configuration_once(laid: Path) -> None:
    assert configuration.load(laid).keys() == {"DEV", "FED"}
    (laid / "FED" / "shared-params.xml").write_text(parameters(instance="DEV"))
    with pytest.raises(NotAConfiguration):
        configuration.load(laid)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_stands_in_a_zip_once(packed: Path) -> None:
    assert configuration.load(packed).keys() == {"DEV", "FED"}
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(PLACE, parameters())
    with pytest.raises(NotAConfiguration):
        configuration.load(packed)


@pytest.mark.parametrize(("bound", "most"), [("_LARGEST", 100), ("_MOST_FILES", 1)])
def test_so_much_of_a_configuration_is_read_and_no_more(
    monkeypatch: pytest.MonkeyPatch, laid: Path, packed: Path, bound: str, most: int
) -> None:
    monkeypatch.setattr(configuration, bound, most)
    for path in (laid, packed):
        with pytest.raises(NotAConfiguration):
            configuration.load(path)


def test_so_much_of_an_anchor_is_read_and_no_more(monkeypatch: pytest.MonkeyPatch, laid: Path) -> None:
    anchor = laid.parent / "anchor.xml"
    anchor.write_bytes(
        b'<c:configurationAnchor xmlns:c="http://x-road.eu/xsd/xroad.xsd">'
        b"<instanceIdentifier>DEV</instanceIdentifier></c:configurationAnchor>"
    )
    assert configuration.load(laid, [anchor]).keys() == {"DEV", "FED"}
    monkeypatch.setattr(configuration, "_LARGEST", anchor.stat().st_size - 1)
    with pytest.raises(NotAConfiguration, match="configuration-anchor"):
        configuration.load(laid, [anchor])


def test_a_signed_list_has_a_beginning_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    listed, known = signed(parameters()), [keeper().certificate]
    assert directory.verify(listed, known).holds("DEV", parameters().encode())
    open_ended = listed.replace(b"--out--", b"--out")
    before = listed.replace(b"\r\n\r\n--out\r\n", b"\r\n\r\nsomething\r\n--out\r\n", 1)
    for wrong in (open_ended, before):
        assert wrong != listed
        with pytest.raises(directory.BadDirectory):
            directory.verify(wrong, known)
    monkeypatch.setattr(directory, "_LARGEST", len(listed) - 1)
    with pytest.raises(directory.BadDirectory):
        directory.verify(listed, known)


def test_so_much_of_a_registration_is_read_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "LARGEST", 1)
    with pytest.raises(registering.BadRegistration, match="longer than 1 bytes"):
        registering.read(b"{}")
