"""A nation's files: Viet Nam as it is, and every fault named with its line."""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from onedoor.kernel import clock, nation, settings
from onedoor.kernel.nation import BadNation, FileKind, UnitsNotKnown, UnknownItem, UnknownUnit, kinds
from onedoor.kernel.nation.documents import parse
from onedoor.kernel.nation.schemas import text_faults

VIETNAM = settings.REPOSITORY / "nations" / "vietnam"
BASE = ("nation.yaml", "agencies.yaml", "lists", "units", "calendar", "organisations")
NOW = datetime(2026, 11, 2, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


@pytest.fixture(scope="module")
def vietnam() -> nation.Nation:
    return nation.load(VIETNAM)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the base data of Viet Nam that a test may spoil; only the kernel's kinds are known."""
    from onedoor.kernel.nation import file_kinds as room

    own = {name: kind for name, kind in room._KINDS.items() if name in ("nation", "agencies", "list")}
    monkeypatch.setattr(room, "_KINDS", own)
    for name in BASE:
        source = VIETNAM / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def spoil(file: Path, old: str, new: str) -> int:
    """Replace *old* by *new* once and return the line where it stands."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_base_data_of_viet_nam_have_no_fault(copy):
    assert nation.check(copy) == []


def test_viet_nam_is_known(vietnam):
    assert (vietnam.id, vietnam.languages, vietnam.calendar.cutoff) == ("VN", ("vi", "en", "fr"), time(15))
    assert set(vietnam.members) == {"G01", "G15", "G18", "G22", "G24"}
    assert "G12" in vietnam.agencies["G24"].note["en"]
    commune = vietnam.agencies["commune-00199"]
    assert (commune.member, commune.subsystem, commune.unit) == ("G15", "VN/GOV/G15/CIVIL-STATUS", "00199")
    assert commune.posts["civil-status"]["en"] == "Civil-status officer"
    assert vietnam.agencies["vss-79"].member == "G24"
    assert all(agency.illustrative for agency in vietnam.agencies.values() if agency.kind == "health_facility")
    for agency in vietnam.agencies.values():
        assert agency.source or agency.illustrative


def test_the_calendar_is_that_of_the_decisions(vietnam):
    assert not vietnam.calendar.is_working_day(date(2026, 8, 31))
    assert vietnam.calendar.is_working_day(date(2026, 8, 22))
    assert vietnam.calendar.is_working_day(date(2027, 2, 5))
    assert vietnam.calendar.status(date(2027, 2, 5)).label["vi"] == "Tết Âm lịch"


def test_units_are_those_of_the_day(vietnam):
    units = vietnam.units
    assert units.unit("00199", date(2026, 9, 1)).full_name["vi"] == "Phường Láng"
    assert units.unit("02", date(2019, 5, 1)).name["vi"] == "Hà Giang"
    assert units.unit("02", date(2019, 5, 1)).successor == "08"
    assert units.unit("46", date(2020, 1, 1)).full_name["vi"] == "Tỉnh Thừa Thiên Huế"
    assert units.unit("46", date(2025, 2, 1)).full_name["vi"] == "Thành phố Huế"
    assert units.unit("75", date(2026, 4, 29)).full_name["vi"] == "Tỉnh Đồng Nai"
    assert units.unit("75", date(2026, 4, 30)).full_name["vi"] == "Thành phố Đồng Nai"
    assert len(units.of_level("province", date(2025, 6, 30))) == 63
    assert len(units.of_level("province", date(2025, 7, 1))) == 34
    assert len(units.of_level("commune", date(2026, 9, 1))) == 3321
    assert {unit.parent for unit in units.children("01", date(2026, 9, 1))} == {"01"}


def test_a_date_before_units_are_known_says_so(vietnam):
    with pytest.raises(UnitsNotKnown, match="since 2025-07-01"):
        vietnam.units.unit("00199", date(2020, 1, 1))
    with pytest.raises(UnitsNotKnown, match="since 2008-08-01"):
        vietnam.units.unit("01", date(2008, 7, 31))
    with pytest.raises(UnitsNotKnown, match="commune"):
        vietnam.units.find("lang", "commune", date(2020, 1, 1))
    with pytest.raises(UnitsNotKnown, match="commune"):
        vietnam.units.children("01", date(2020, 1, 1))
    with pytest.raises(UnknownUnit) as caught:
        vietnam.units.unit("02", date(2026, 1, 1))
    assert not isinstance(caught.value, UnitsNotKnown)


def test_units_are_found_without_accents_the_best_first(vietnam):
    today = date(2026, 9, 1)
    assert vietnam.units.find("phuong lang", "commune", today)[0].code == "00199"
    assert vietnam.units.find("Bến Thành", "commune", today) == vietnam.units.find("ben  thanh", "commune", today)
    assert vietnam.units.find("zzz", "commune", today) == []


def test_what_holds_for_a_day_is_made_once_that_day(vietnam):
    made = []

    def make(*facts):
        made.append((vietnam.today(), *facts))
        return made[-1]

    morning = datetime(2026, 11, 30, 8, tzinfo=UTC)
    for moment in (morning, morning + timedelta(hours=8), morning + timedelta(hours=9), morning):
        with clock.freeze(moment):
            assert vietnam.daily(make, "a") == vietnam.daily(make, "a") == (vietnam.today(), "a")
            assert vietnam.daily(make, "b") == (vietnam.today(), "b")
    first, next_ = date(2026, 11, 30), date(2026, 12, 1)
    assert made == [(day, fact) for day in (first, next_, first) for fact in ("a", "b")]


def test_lists_have_their_entries(vietnam):
    assert len(vietnam.list("ethnicity").items) == 54
    assert vietnam.list("nationality").excerpt
    assert vietnam.list("clinics").illustrative
    assert vietnam.list("sex").item("F").name["fr"] == "Féminin"
    with pytest.raises(UnknownItem):
        vietnam.list("sex").item("X")


FAULTS = [
    ("nation.yaml", "zone: Asia/Ho_Chi_Minh", "zone: Asia/Hochiminh", "there is no time zone"),
    ("nation.yaml", "languages:", "langauges:", "“langauges” is not known here; write “languages”"),
    (
        "nation.yaml",
        "name: {vi: Việt Nam, en: Viet Nam, fr: Viet Nam}",
        "name: {vi: Việt Nam, en: Viet Nam}",
        "this text has no “fr”; add fr: …",
    ),
    ("nation.yaml", '"13:00-17:00"', '"11:00-17:00"', "the working hours overlap"),
    ("nation.yaml", "mon, tue", "mon, tues", "“tues” is not known here; write “tue”"),
    ("nation.yaml", 'cutoff: "15:00"', 'cutoff: "3 pm"', "write a time of day such as 15:00"),
    (
        "agencies.yaml",
        'unit: "00199"',
        "unit: 00199",
        '00199 is not a text but a whole number; write it in quotes: "00199"',
    ),
    ("agencies.yaml", 'unit: "00199"', 'unit: "00198"', "There is no administrative unit “00198”"),
    ("agencies.yaml", "member: G15", "member: G16", "there is no member “G16”; write “G1"),
    (
        "agencies.yaml",
        "subsystem: VN/GOV/G15/CIVIL-STATUS",
        "subsystem: VN/GOV/G01/CIVIL-STATUS",
        "no system of the member",
    ),
    ("agencies.yaml", "    source: Law 60", "    sources: Law 60", "“sources” is not known here; write “source”"),
    ("agencies.yaml", "  commune-00199:\n", "  commune-00199: {}\n  commune-00199:\n", "stands here twice"),
    ("lists/sex.yaml", "list: sex", "list: sexe", "write sex or rename the file"),
    ("lists/sex.yaml", "  F: {name: {vi: Nữ, en: Female, fr: Féminin}}", "  F: [", "this is not YAML"),
    ("lists/clinics.yaml", 'unit: "26740"', 'unit: "2674"', "There is no administrative unit “2674”"),
    ("calendar/days.csv", "2026-09-02,holiday", "2026-09-02,holliday", "“holliday” is not a kind of day"),
    ("calendar/days.csv", "2026-09-02,holiday", "02/09/2026,holiday", "Invalid isoformat"),
    ("units/units-2025-07-01.csv", "00199,commune", ",commune", "a unit has no code, level or name"),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), FAULTS)
def test_a_fault_is_named_with_its_file_its_line_and_what_to_write(copy, file, old, new, expected):
    line = spoil(copy / file, old, new)
    with clock.freeze(NOW):
        faults = nation.check(copy)
    mine = [fault for fault in faults if fault.file == str(copy / file)]
    assert mine
    assert any(expected in str(fault) for fault in mine), mine
    if expected:
        assert any(abs(fault.line - line) <= 1 for fault in mine), (line, mine)
        assert str(mine[0]).startswith(f"{copy / file}:{mine[0].line}: ")


def test_all_faults_come_in_one_pass(copy):
    spoil(copy / "agencies.yaml", "member: G15", "member: G16")
    spoil(copy / "lists" / "sex.yaml", "fr: Féminin", "de: Weiblich")
    spoil(copy / "lists" / "clinics.yaml", "illustrative: true", "ilustrative: true")
    (copy / "listes").mkdir()
    (copy / "listes" / "x.yaml").write_text("a: 1\n")
    with clock.freeze(NOW):
        found = {Path(fault.file).name for fault in nation.check(copy)}
    assert found == {"agencies.yaml", "sex.yaml", "clinics.yaml", "x.yaml"}


def test_a_nation_with_faulty_base_data_is_not_loaded(copy):
    spoil(copy / "agencies.yaml", "    kind: ministry\n", "")
    with pytest.raises(BadNation, match=r"agencies\.yaml:3: “kind” is missing here; add kind"):
        nation.load(copy)


def test_a_folder_without_a_nation_says_so(tmp_path):
    assert [fault.wrong for fault in nation.check(tmp_path)] == ["there is no nation here"]
    with pytest.raises(BadNation):
        nation.load(tmp_path)


def test_a_room_registers_its_own_kind(copy):
    schema = {
        "type": "object",
        "required": ["title"],
        "additionalProperties": False,
        "properties": {
            "title": nation.TEXT_SCHEMA,
            "since": nation.DATE_SCHEMA,
            "fee": {"oneOf": [{"const": "free"}, {"type": "object", "required": ["amount"]}]},
        },
    }
    nation.register(
        FileKind("song", "songs", lambda document, _: [document.fault(["title"], "too loud", "sing low")], schema)
    )
    assert "song" in [kind.name for kind in kinds()]
    (copy / "songs").mkdir()
    song = copy / "songs" / "one.yaml"
    song.write_text("since: 2026-02-30\ntitle: {vi: a, en: b, fr: c}\nfee: {amuont: 1}\n", "utf-8")
    with clock.freeze(NOW):
        assert [(fault.line, fault.wrong) for fault in nation.check(copy)] == [
            (1, "“2026-02-30” does not have the form date"),
            (3, "“amount” is missing here"),
        ]
        song.write_text("title: {vi: a, en: b, fr: c}\n", "utf-8")
        assert [str(fault) for fault in nation.check(copy)] == [f"{song}:1: too loud; sing low"]
    assert nation.load(copy).documents("song")[0].data["title"]["en"] == "b"


def test_yaml_is_read_without_surprises(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(
        "a: no\nb: 15:00\nc: 2026-09-01\nd: 12\ne: 1.5\nf: true\ng:\nh: ~\n1: x\nlist:\n  - {k: v}\n", "utf-8"
    )
    document, faults = parse(file, "x.yaml")
    assert not faults
    expected = {
        "a": "no",
        "b": "15:00",
        "c": "2026-09-01",
        "d": 12,
        "e": 1.5,
        "f": True,
        "g": None,
        "h": None,
        "1": "x",
    }
    assert document.data == expected | {"list": [{"k": "v"}]}
    assert document.line("list", 0, "k") == 11
    assert document.line("list", 0, "nothing") == 11
    assert document.line("nothing") == 1


@pytest.mark.parametrize(
    ("text", "line", "wrong"),
    [
        ("a: 1\na: 2\n", 2, "stands here twice"),
        ("a: 1\n b: [\n", 2, "not YAML"),
        ("", 1, "empty"),
        ("a: 1\nb: &x {c: *x}\n", 2, "stands inside what it repeats"),
        ("a: 1\n? [1]\n: 2\n", 2, "not a plain word"),
        ("a: !!set {x}\nb: !odd 1\n", 2, "means nothing here"),
    ],
)
def test_odd_yaml_is_a_fault_with_its_line(tmp_path, text, line, wrong):
    file = tmp_path / "x.yaml"
    file.write_text(text, "utf-8")
    faults = parse(file, "x.yaml")[1]
    assert any(fault.line == line and wrong in fault.wrong for fault in faults), faults


@pytest.mark.parametrize(
    ("languages", "written", "told"),
    [
        (["en", "de"], "{en: Song, fr: Chant}", ["“fr” is no language of this nation", "this text has no “de”"]),
        (["en"], "{de: Lied}", ["“de” is no language of this nation"]),
        (["en", "de"], "{ed: Lied, en: Song}", ["“ed” is no language of this nation"]),
        (["es"], "{en: Song, fr: Chant}", ["“en” is no language of this nation", "“fr” is no language of this nation"]),
        (["en", "de"], "{en: Song, de: Lied}", []),
    ],
)
def test_a_text_is_known_by_its_place_and_not_by_its_keys(languages, written, told, tmp_path):
    song = {"type": "object", "properties": {"title": nation.TEXT_SCHEMA, "next": {"$ref": "#/$defs/song"}}}
    either = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/song"}}]}
    kind = FileKind("song", "", schema={"$defs": {"song": song}, "properties": {"songs": either, "notes": {}}})
    file = tmp_path / "song.yaml"
    file.write_text(f"songs:\n - next:\n    title: {written}\nnotes: {{en: {{en: a}}, xx: b}}\n", "utf-8")
    document, _ = parse(file, "song.yaml")
    faults = list(text_faults(document, kind, languages))
    assert sorted(str(fault.wrong) for fault in faults) == sorted(told)
    assert {fault.line for fault in faults} <= {3}
