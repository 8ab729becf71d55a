"""What a backup and a restore refuse before they touch anything."""

import pytest

from onedoor.site import archives, cli


def told(capsys, *arguments: str) -> str:
    assert cli.run(arguments) == cli.FAILED
    return capsys.readouterr().err


def test_keys_and_data_are_not_written_into_one_folder(tmp_path, capsys):
    where = ("--data", str(tmp_path / "data.tar.gz"), "--keys", str(tmp_path / "x" / ".." / "keys.tar.gz"))
    assert "must not lie in one folder" in told(capsys, "backup", "--var", str(tmp_path), *where)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_an_installation_is_not_backed_up(tmp_path, capsys):
    where = ("--data", str(tmp_path / "a" / "data.tar.gz"), "--keys", str(tmp_path / "b" / "keys.tar.gz"))
    assert "There is no installation" in told(capsys, "backup", "--var", str(tmp_path), *where)
    assert not list(tmp_path.iterdir())


def test_a_restore_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "precious").touch()
    said = told(capsys, "restore", "--var", str(tmp_path), "--data", str(tmp_path / "data.tar.gz"))
    assert "overwrites nothing" in said
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("keys", ["another", "torn"])
def test_a_restore_that_fails_leaves_nothing(tmp_path, capsys, keys):
    data, other, var = tmp_path / "data.tar.gz", tmp_path / "keys.tar.gz", tmp_path / "var"
    for path, name in ((data, "one"), (other, keys)):
        (tmp_path / name / archives.FILES / "portal").mkdir(parents=True)
        (tmp_path / name / archives.FILES / "portal" / "a.pem").write_text(name)
        archives.pack(tmp_path / name, path, {"id": name, "made_at": "", "databases": {}, "persons": {}})
    if keys == "torn":
        other.write_bytes(other.read_bytes()[:60])
    said = told(capsys, "restore", "--var", str(var), "--data", str(data), "--keys", str(other))
    assert "is not a whole backup" in said
    assert not var.exists()
