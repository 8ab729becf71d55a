"""``onedoor exchange fetch`` into a folder again: what lies there gives way to nothing older."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange.directory.sources import Sources
from onedoor.exchange.evidence import configuration
from onedoor.exchange.parameters import ANCHOR, PROFILE
from onedoor.kernel.tests.serving import serving
from onedoor.signing import keys
from onedoor.signing.certificates import AUTHORITY_NAME, Authority, pem
from onedoor.site import cli

NOW = datetime.now(UTC)
SAID = {
    "vi": "nó cũ hơn một cấu hình đã từng có hiệu lực ở đây",
    "en": "it is older than one that was in force",
    "fr": "elle est plus ancienne",
}


class Directory:
    """A directory on the network, that serves what it is told to."""

    def __init__(self, folder: Path, sources: Sources, port: int) -> None:
        self.folder, self.sources = folder, sources
        own = pem([Authority.create(folder.parent / "ca").certificate]).decode()
        authority = {"name": AUTHORITY_NAME, "certificate": own, "profile": PROFILE, "responders": []}
        self.data: dict[str, Any] = {
            "instance": "VN",
            "address": f"127.0.0.1:{port}",
            "operator": "VN/GOV/G22/PORTAL",
            "authorities": [authority],
            "members": [],
            "gateways": [],
        }

    def publish(self, hours: int) -> Path:
        """Serve from now on what ends in so many *hours*; return the anchor for it."""
        self.sources.renew(NOW)
        self.sources.publish(self.data | {"sources": self.sources.listed(NOW)}, NOW, NOW + timedelta(hours=hours))
        return self.folder / "internal" / ANCHOR


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    monkeypatch.setattr(keys, "RSA_BITS", 2048)  # a third of the time
    folder = tmp_path / "directory" / "sources"
    sources = Sources(folder)
    with serving(lambda path: (sources.answer(path) or ("", None))[1]) as port:
        yield Directory(folder, sources, port)


@pytest.mark.parametrize("language", SAID)
def test_an_older_list_is_put_in_the_place_of_no_newer_one(
    directory: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    def fetch(hours: int) -> int:
        where = ["--to", str(tmp_path / "conf"), "--language", language]
        return cli.run(["exchange", "fetch", str(directory.publish(hours)), *where])

    ends = []
    for hours, code in ((20, 0), (24, 0), (23, 2), (24, 0), (25, 0)):
        assert (fetch(hours), SAID[language] in capsys.readouterr().err) == (code, code == 2)
        end = configuration.load(tmp_path / "conf")["VN"].signature.end
        assert end
        ends.append(round((end - NOW) / timedelta(hours=1)))
    assert ends == [20, 24, 24, 24, 25]
