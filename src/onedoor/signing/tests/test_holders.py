"""The seals of a system in their folder: each agency's keys are its own, and one at a time changes them."""

import fcntl
import os

import pytest

from onedoor.signing import holders, keys
from onedoor.signing.certificates import Subject, save_certificates

SHORT, LONG = "commune-1", "commune-1.east"


def anew(folder, authority, agency):
    """Give *agency* another key and certificate."""
    key = holders.prepare(folder, agency) if (folder / f"{agency}.pem").exists() else holders.key(folder, agency)
    return holders.install(folder, agency, (authority.issue(Subject(agency), key.public_key(), "seal"),))


def test_a_new_seal_destroys_the_keys_of_its_own_agency_alone(tmp_path, authority):
    for agency in (SHORT, LONG, SHORT, LONG):
        anew(tmp_path, authority, agency)
    for name in holders.ROOTS:
        save_certificates(tmp_path / f"{name}.pem", [authority.certificate])
    assert holders.agencies(tmp_path) == [SHORT, LONG]
    holders.prepare(tmp_path, LONG)
    keys.save_key(tmp_path / "xommune-1.key", keys.new_key())
    kept = {path.name for path in tmp_path.iterdir() if path.name.startswith((LONG, "x", "t"))}
    used = holders.key_path(tmp_path, SHORT, holders.certificates(tmp_path, SHORT)[0])
    assert anew(tmp_path, authority, SHORT) == [used]
    assert kept <= {path.name for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == len(kept) + 2


def test_a_certificate_whose_key_is_not_here_changes_nothing(tmp_path, authority):
    for times in (1, 2):
        anew(tmp_path, authority, SHORT)
        assert (tmp_path / f"{SHORT}.key").exists() == (times == 1), "the first key lies where any certificate's may"
        holders.prepare(tmp_path, SHORT)
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        strange = authority.issue(Subject(SHORT), keys.new_key().public_key(), "seal")
        with pytest.raises(FileNotFoundError):
            holders.install(tmp_path, SHORT, (strange,))
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_one_at_a_time_changes_the_seals_of_a_folder(tmp_path, authority, monkeypatch):
    """Two at once would each destroy the key that the other puts into use."""
    held = []
    written = holders.save_certificates

    def save(path, chain):
        handle = os.open(tmp_path, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
        held.append(path)
        written(path, chain)

    monkeypatch.setattr(holders, "save_certificates", save)
    anew(tmp_path, authority, SHORT)
    assert held == [tmp_path / f"{SHORT}.pem"]
