"""The signed configuration."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange import configuration
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.signing.certificates import Authority, Subject, pem
from onedoor.signing.keys import new_key

NOW = datetime(2026, 9, 1, tzinfo=UTC)
KEY = new_key()


class Made:
    """A small configuration and who signed it."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.create(folder)
        self.anchor = authority.issue(Subject("directory"), KEY.public_key(), "sign")
        self.data = {
            "format": configuration.FORMAT,
            "instance": "VN",
            "serial": 1,
            "generated": NOW.isoformat(),
            "expires": (NOW + timedelta(hours=1)).isoformat(),
            "authorities": [pem([authority.certificate]).decode()],
            "members": [
                {
                    "id": "VN/GOV/G15",
                    "name": "Bộ Tư pháp",
                    "subsystems": [
                        {
                            "id": "VN/GOV/G15/CIVIL-STATUS",
                            "name": "Hộ tịch",
                            "systems": ["ab"],
                            "services": [{"code": "births", "kind": "REST"}],
                        }
                    ],
                }
            ],
            "gateways": [
                {
                    "id": "VN/GOV/G15/GATEWAY",
                    "address": "127.0.0.1:8202",
                    "tls": "cd",
                    "signing": pem([self.anchor]).decode(),
                    "clients": ["VN/GOV/G15/CIVIL-STATUS"],
                }
            ],
            "rights": [],
        }
        self.signed = configuration.write(self.data, KEY, self.anchor)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("ca"))


def test_a_configuration_is_read_as_it_was_written(made: Made) -> None:
    found = configuration.read(made.signed, [made.anchor], moment=NOW)
    assert [one.port for one in found.gateways_of["VN/GOV/G15/CIVIL-STATUS"]] == [8202]
    assert found.subsystems["VN/GOV/G15/CIVIL-STATUS"].systems == {"ab"}
    assert found.members[0].name == "Bộ Tư pháp"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_configuration_with_any_byte_changed_is_refused(made: Made, data: st.DataObject) -> None:
    forged = bytearray(made.signed)
    forged[data.draw(st.integers(0, len(forged) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConfigurationRefused):
        configuration.read(bytes(forged), [made.anchor], moment=NOW)


def test_an_expired_configuration_is_refused(made: Made) -> None:
    with pytest.raises(ConfigurationRefused, match="expired"):
        configuration.read(made.signed, [made.anchor], moment=NOW + timedelta(hours=1))


def test_a_configuration_of_another_directory_is_refused(made: Made, tmp_path: Path) -> None:
    other = Made(tmp_path).anchor
    with pytest.raises(ConfigurationRefused, match="unknown key"):
        configuration.read(made.signed, [other], moment=NOW)


@pytest.mark.parametrize("signed", [b"", b"{}", b"{}\n\n-- \n", b"{}\n\n-- a b c\n"])
def test_what_is_not_signed_is_refused(made: Made, signed: bytes) -> None:
    with pytest.raises(ConfigurationRefused):
        configuration.read(signed, [made.anchor], moment=NOW)


def test_a_configuration_that_lacks_a_part_is_refused(made: Made) -> None:
    for key in made.data:
        data = json.loads(json.dumps(made.data))
        del data[key]
        with pytest.raises(ConfigurationRefused):
            configuration.read(configuration.write(data, KEY, made.anchor), [made.anchor], moment=NOW)
