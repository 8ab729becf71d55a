"""What ``make run`` says when its story is over: names for ids, and as whom to sign in where."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.kernel import nation
from onedoor.site import kinds, messages
from onedoor.site.cli import DEFAULT_NATION
from onedoor.site.story import command
from onedoor.site.story.places import Places, places
from onedoor.site.story.told import Told
from onedoor.site.up.called import called


@pytest.fixture(params=["vi", "en", "fr"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    kinds.load()
    messages.use(request.param)
    yield places(nation.load(DEFAULT_NATION), tmp_path, 8000, request.param)
    messages.use(None)


def test_registers_and_processes_are_called_by_their_names(where: Places, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(case="2611-7K4M-Q8", ledger={"size": 8, "root": "ab" * 32})
    told.touched = Counter({("The police", "read", "population"): 2})
    command._sum_up(where, told)
    said = capsys.readouterr().out
    names = {"vi": "Cơ sở dữ liệu quốc gia", "en": "National population database", "fr": "Base nationale"}
    assert names[where.language] in said
    systems = {"vi": "hệ thống của Bộ Công an", "en": "system of Ministry of Public Security", "fr": "système – Minist"}
    assert called("node-G01", where.nation).startswith(systems[where.language])
    assert "{" not in said + called("portal-worker", where.nation) + called("gateway-G15", where.nation)


def test_it_says_as_whom_to_sign_in_at_the_portal_and_at_each_desk(
    where: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    command._say_who_signs_in(where)
    said = capsys.readouterr().out
    for name, place in (("Trần Thu Hà", 8000), ("Đỗ Quang Huy", 8002), ("Vũ Đức Thắng", 8001)):
        (line,) = [line for line in said.splitlines() if name in line]
        assert line.endswith(f": http://localhost:{place}/{where.language}/sign-in")
