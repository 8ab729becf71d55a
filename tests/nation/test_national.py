"""What every system publishes of its ledger stands in the directory's: one number fixes the nation's whole past."""

import json
from pathlib import Path

import pytest

from onedoor.kernel.ledger import Checkpoint, Policy, Verifier, audit, verify_checkpoint, verify_note
from tests.nation.running import Running, onedoor, wait_for

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
COLLECTED = 25.0
"""Seconds until the directory has looked at every ledger twice."""


def taken(folder: Path, log: Verifier) -> list[str]:
    """Return the checkpoints that the published ledger in *folder* holds, computed anew from its files."""

    def read(path: str, _most: int) -> bytes | None:
        return (folder / path).read_bytes() if (folder / path).exists() else None

    note = (folder / "checkpoint").read_text() if (folder / "checkpoint").exists() else ""
    return [one.decode() for _, found in audit(read, verify_checkpoint(note, log)) for one in found] if note else []


@pytest.mark.usefixtures("told")
def test_the_directory_has_the_past_of_every_system_and_each_goes_on_from_it(nation: Running, tmp_path: Path) -> None:
    directory = nation.var / "directory"
    key, logs = directory / "ledger" / "public" / "key", Policy.read(directory / "ledgers").logs
    log = Verifier.parse(key.read_text().strip())
    names = {one.name for one, _ in logs}
    assert len(names) == 5

    def of_all() -> dict[str, str]:
        notes = {one.partition("\n")[0]: one for one in taken(directory / "ledger" / "public", log)}
        return notes if notes.keys() == names else {}

    last = wait_for(of_all, "a ledger is missing in the directory's", COLLECTED)
    done = onedoor(
        "ledger", "audit", f"http://127.0.0.1:{nation.base + 400}/ledger", "--key", str(key), "--language", "en"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The ledger onedoor/directory holds" in done.stdout
    for one, _ in logs:
        assert Checkpoint.parse(verify_note(last[one.name], [one])[0]).size > 0
    signer, address = next((one, address) for one, address in logs if one.name.endswith("CIVIL-STATUS"))
    (seen := tmp_path / "seen").write_text(json.dumps({"key": str(signer), "checkpoint": last[signer.name]}))
    done = onedoor("ledger", "audit", address, "--state", str(seen), "--language", "en")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It only grew" in done.stdout
