"""What a nation makes on a computer is closed to the computer's other users."""

import os
import stat
import sys

import pytest

from onedoor.site.embedded import DatabaseNotPrepared, Server
from onedoor.site.up.command import closed_to_others
from onedoor.site.up.process import Process


def test_logs_and_what_processes_make_is_closed_to_others(tmp_path):
    code = f"open({str(tmp_path / 'made')!r}, 'w').write('x')"
    before = os.umask(0o022)
    try:
        with closed_to_others():
            process = Process("one", [sys.executable, "-c", code], {}, tmp_path / "one.log", ready=lambda: True)
            process.start()
            assert process.child.wait() == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("one.log", "made")] == [0o600, 0o600]


def test_a_link_in_the_place_of_the_databases_folder_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (tmp_path / "postgres").symlink_to(elsewhere)
    with pytest.raises(DatabaseNotPrepared):
        Server(tmp_path / "postgres").prepare()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_a_folder_that_somebody_else_put_there_is_refused_even_by_root(tmp_path):
    home = tmp_path / "postgres"
    home.mkdir()
    os.chown(home, 65534, 65534)
    with pytest.raises(DatabaseNotPrepared):
        Server(home).prepare()


def test_nothing_secret_stands_in_the_list_of_processes(tmp_path):
    server = Server(tmp_path / "postgres")
    assert server.password("postgres") not in " ".join(server.command())
