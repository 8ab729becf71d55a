import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from onedoor.signing import keys


def test_a_saved_key_comes_back_and_only_its_owner_may_read_it(tmp_path):
    key = keys.new_key()
    keys.save_key(tmp_path / "in" / "a.key", key)
    assert stat.S_IMODE((tmp_path / "in" / "a.key").stat().st_mode) == 0o600
    assert keys.load_key(tmp_path / "in" / "a.key").private_numbers() == key.private_numbers()
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["a.key"]


def test_a_key_is_read_once_until_its_file_changes(tmp_path):
    path = tmp_path / "a.key"
    keys.save_key(path, keys.new_key())
    first = keys.load_key(path)
    assert keys.load_key(path) is first
    path.unlink()
    keys.save_key(path, keys.new_key())
    assert keys.load_key(path) is not first


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "a.key"
    keys.save_key(path, keys.new_key())
    before = path.read_bytes()
    with pytest.raises(keys.KeyExists):
        keys.save_key(path, keys.new_key())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "a.key"
    keys.save_key(path, keys.new_key())
    path.chmod(0o640)
    with pytest.raises(keys.KeyExposed, match="chmod 600"):
        keys.load_key(path)


def test_a_key_on_another_curve_or_no_key_at_all_is_refused(tmp_path):
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, content in (("p384.key", other), ("text.key", b"no key")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
        with pytest.raises(keys.KeyUnusable):
            keys.load_key(tmp_path / name)
