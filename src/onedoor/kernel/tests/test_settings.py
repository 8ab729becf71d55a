"""Settings: what is missing, what is odd, what stays secret."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from onedoor.kernel import settings
from onedoor.kernel.settings import BadSetting, BadSettings, MissingSetting, UnknownSetting, read

NODE = {
    "ONEDOOR_ROLE": "node",
    "ONEDOOR_NATION": str(settings.REPOSITORY / "nations" / "vietnam"),
    "ONEDOOR_MEMBER": "G15",
    "ONEDOOR_SUBSYSTEM": "VN/GOV/G15/CIVIL-STATUS",
    "ONEDOOR_DATABASE_URL": "postgresql://node_g15:open-sesame@/node_g15?host=/run/pg",
    "ONEDOOR_STATE": "/var/lib/onedoor/G15",
    "ONEDOOR_SECRET": "s" * 50,
    "ONEDOOR_LISTEN": "127.0.0.1:8002",
    "ONEDOOR_TLS_KEY": "/etc/onedoor/tls.key",
    "ONEDOOR_DEMONSTRATION": "yes",
}


def test_a_node_reads_its_settings():
    node = read(NODE)
    assert (node.role, node.member, node.listen, node.demonstration) == ("node", "G15", "127.0.0.1:8002", True)
    assert node.state == Path("/var/lib/onedoor/G15")
    assert (node.tls_key, node.tls_cert) == (Path("/etc/onedoor/tls.key"), None)
    assert node.log_level == "info"
    assert (node.proxies, node.networks) == ((), ())
    assert [str(one) for one in read(NODE | {"ONEDOOR_NETWORKS": "10.0.0.0/8, fd00::/8"}).networks] == [
        "10.0.0.0/8",
        "fd00::/8",
    ]
    assert read(NODE | {"ONEDOOR_PROXIES": "127.0.0.1, ::1"}).proxies == ("127.0.0.1", "::1")


def test_tests_need_no_setting():
    assert read({}).role == "test"
    assert read({"ONEDOOR_ROLE": ""}).nation.name == "vietnam"


@pytest.mark.parametrize("missing", ["MEMBER", "SUBSYSTEM", "DATABASE_URL", "STATE", "SECRET", "NATION"])
def test_a_node_is_told_what_is_missing(missing):
    environ = {key: value for key, value in NODE.items() if key != f"ONEDOOR_{missing}"}
    with pytest.raises(MissingSetting, match=f"ONEDOOR_{missing} is missing.*settings.md"):
        read(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLE", "Portal"),
        ("NATION", "/nowhere"),
        ("MEMBER", "g15"),
        ("SUBSYSTEM", "VN/GOV/G15"),
        ("DATABASE_URL", "sqlite:///x"),
        ("SECRET", "short"),
        ("LISTEN", "8002"),
        ("LISTEN", "localhost:99999"),
        ("GATEWAY_URL", "127.0.0.1"),
        ("PUBLIC_URL", "ftp://x"),
        ("PROXIES", "127.0.0.1, proxy.example"),
        ("DEMONSTRATION", "true"),
        ("LOG_LEVEL", "loud"),
        ("DESK_THREADS", "0"),
        ("DESK_THREADS", "65"),
        ("DESK_THREADS", "many"),
        ("WORKERS", "0"),
        ("SECRET_FILE", "/nowhere"),
    ],
)
def test_an_odd_value_is_refused_by_name(name, value):
    environ = NODE | {f"ONEDOOR_{name}": value}
    if name == "SECRET_FILE":
        del environ["ONEDOOR_SECRET"]
    with pytest.raises(BadSetting, match=f"ONEDOOR_{name}"):
        read(environ)


def test_a_secret_is_read_from_its_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("f" * 40 + "\n")
    file.chmod(0o600)
    environ = {key: value for key, value in NODE.items() if key != "ONEDOOR_SECRET"}
    assert read(environ | {"ONEDOOR_SECRET_FILE": str(file)}).secret == "f" * 40
    with pytest.raises(BadSetting, match="given once"):
        read(NODE | {"ONEDOOR_SECRET_FILE": str(file)})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "secret"
    file.write_text("f" * 40)
    file.chmod(mode)
    environ = {key: value for key, value in NODE.items() if key != "ONEDOOR_SECRET"}
    with pytest.raises(BadSetting, match=r"ONEDOOR_SECRET_FILE.*nobody else can read"):
        read(environ | {"ONEDOOR_SECRET_FILE": str(file)})


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("DATABSE_URL", "DATABASE_URL"),
        ("SECRETFILE", "SECRET_FILE"),
        ("LOGLEVEL", "LOG_LEVEL"),
    ],
)
def test_a_setting_that_is_none_is_named_with_the_nearest(name, nearest):
    with pytest.raises(UnknownSetting, match=f"no setting ONEDOOR_{name}; the nearest one is ONEDOOR_{nearest}\\."):
        read(NODE | {f"ONEDOOR_{name}": "x"})


def test_what_belongs_to_others_or_to_the_tests_is_left_alone():
    assert read(NODE | {"ONEDOOR_TEST_HOME": "/x", "ONEDOOR_MASTER": "7", "ONEDOORS": "y", "PATH": "/bin"})


def test_everything_that_is_wrong_is_said_in_one_pass():
    environ = NODE | {
        "ONEDOOR_LISTEN": "8002",
        "ONEDOOR_LOG_LEVEL": "loud",
        "ONEDOOR_SECRET": "hunter2",
        "ONEDOOR_DATABASE_URL": "",
        "ONEDOOR_DATABASE_URL_FILE": "/nowhere",
        f"{settings.PREFIX}MEMBRE": "G15",
    }
    del environ["ONEDOOR_STATE"]
    with pytest.raises(BadSettings, match="6 settings are wrong, and nothing was started") as caught:
        read(environ)
    told = str(caught.value).splitlines()[1:-1]
    named = ("DATABASE_URL_FILE", "STATE", "SECRET", "LISTEN", "LOG_LEVEL", "MEMBRE")
    assert len(told) == len(caught.value.faults) == len(named)
    assert not [one for one in named if not any(re.search(rf"setting ONEDOOR_{one}\b", line) for line in told)]
    assert "hunter2" not in str(caught.value)


def test_secrets_are_never_shown():
    shown = repr(read(NODE))
    assert "open-sesame" not in shown
    assert "ssss" not in shown
    for name in ("SECRET", "DATABASE_URL"):
        with pytest.raises(BadSetting) as caught:
            read(NODE | {f"ONEDOOR_{name}": "hunter2"})
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", [one.name.upper() for one in fields(settings.Settings) if not one.repr])
def test_every_secret_may_be_given_by_its_file(tmp_path, name):
    file = tmp_path / "secret"
    file.write_text("postgresql://role:word@/name" if name == "DATABASE_URL" else "f" * 40)
    file.chmod(0o600)
    environ = {key: value for key, value in NODE.items() if key != f"ONEDOOR_{name}"}
    found = read(environ | {f"ONEDOOR_{name}_FILE": str(file)})
    assert getattr(found, name.lower()) == file.read_text()
