"""The pages of an index: in three languages, without a script, each picture told in words, bad questions answered."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import lxml.html
import pytest
from django.test import Client

from onedoor.measurement import drawing, sensitivities, service, shelf
from onedoor.measurement.errors import OutOfReach
from onedoor.measurement.pages import answers
from onedoor.measurement.tests.conftest import WORLD

LANGUAGES = ["vi", "en", "fr"]
HOME = "figures/egdi"
OWN = f"{HOME}/VN"
Tree = lxml.html.HtmlElement


def page(client: Client, path: str, status: int = 200) -> Tree:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[-400:]
    return lxml.html.document_fromstring(answer.content.decode())


def text(tree: Tree) -> str:
    return " ".join(" ".join(tree.xpath("//main//text()")).split())


def table(tree: Tree, id_: str = "table") -> list[list[str]]:
    (found,) = tree.xpath(f"//table[caption/@id='{id_}']")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("td|th")] for row in found.xpath("tbody/tr")]


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have at hand what moves the rank of one country; of all of them it takes a process and ten seconds."""
    factors = service.sensitivity(shelf.shelf("egdi").editions[2018], "VN", 1)
    monkeypatch.setattr(sensitivities, "of", lambda _shelf, _year: {"VN": factors})


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no pictures: each takes half a second, and what is looked at here is something else."""
    monkeypatch.setattr(drawing, "svgs", lambda specs: [None] * len(specs))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["figures/", HOME, f"{OWN}/why", f"{OWN}/goal?field=moving", f"{OWN}/origin"])
@pytest.mark.usefixtures("sure")
def test_every_page_speaks_its_language_and_tells_its_pictures_in_words(
    client: Client, language: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if language != LANGUAGES[0]:
        monkeypatch.setattr(drawing, "svgs", lambda specs: ["<svg />"] * len(specs))  # drawn above, in the first one
    tree = page(client, f"/{language}/{path}")
    assert tree.get("lang") == language
    assert len(tree.xpath("//h1")) == 1
    assert tree.xpath("//nav[@class='lang']//a/@href") == [f"/{code}/{path}" for code in LANGUAGES]
    assert tree.xpath("//nav[contains(@class,'nav')]//a[@aria-current='page']/@href") == [f"/{language}/figures/"]
    assert not tree.xpath("//main//*[@style]|//main//style|//main//script")
    pictures = tree.xpath("//*[local-name()='svg'][contains(@class,'drawn')]")
    assert len(pictures) == {HOME: 2, f"{OWN}/why": 4, f"{OWN}/goal?field=moving": 2}.get(path, 0)
    for picture in pictures:
        told = [tree.get_element_by_id(id_).text_content().strip() for id_ in picture.get("aria-labelledby").split()]
        assert picture.get("role") == "img"
        assert all(told)
        assert picture.xpath("ancestor::figure[figcaption]")
        assert picture.xpath("ancestor::section[1]//table")


def test_a_country_stands_where_it_was_published_and_recomputed(client: Client) -> None:
    tree = page(client, f"/vi/{HOME}")
    assert tree.xpath("//h1")[0].text_content() == "Việt Nam: vị trí 88 trên 193, năm 2018"
    assert table(tree, "editions")[0] == ["2018", "88", "87–96", "6", "6", "0,5931", "0,5931", "khớp"]
    assert len(tree.xpath("//ul[contains(@class,'tiles')]/li")) == 193


@pytest.mark.usefixtures("undrawn")
def test_a_group_has_a_table_and_a_map_of_its_own(client: Client) -> None:
    tree = page(client, f"/en/{HOME}?group=asean")
    rows = table(tree)
    assert [row[1] for row in rows] == [str(place) for place in range(1, 11)]
    assert rows[5][:3] == ["88", "6", "Viet Nam"]
    assert len(tree.xpath("//ul[contains(@class,'tiles--near')]/li")) == 10
    assert len(tree.xpath("//li[contains(@class,'is-member')]")) == 10


@pytest.mark.usefixtures("undrawn")
def test_a_table_is_sorted_searched_and_paged_by_links(client: Client) -> None:
    assert table(page(client, f"/en/{HOME}?sort=-value"))[0][1] == "Somalia"
    assert table(page(client, f"/en/{HOME}?sort=tii"))[0][1] == "Monaco"
    assert table(page(client, f"/vi/{HOME}?sort=country"))[0][1] == "Ả Rập Xê-út"
    assert len(table(page(client, f"/en/{HOME}?page=8"))) == 193 - 7 * 25
    assert [row[1] for row in table(page(client, f"/vi/{HOME}?q=han quoc"))] == ["Hàn Quốc"]
    assert [row[1] for row in table(page(client, f"/en/{HOME}?q=Swaziland"))] == ["Eswatini"]
    assert "No country here is called “<b>”" in text(page(client, f"/en/{HOME}?q=<b>"))


@pytest.mark.usefixtures("undrawn")
def test_every_kind_of_link_leads_somewhere(client: Client) -> None:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for path in (HOME, f"{HOME}?group=asean", f"{OWN}/why", f"{OWN}/origin"):
        for link in page(client, f"/en/{path}").xpath("//main//a[not(@download)]/@href"):
            parts = urlsplit(link)
            kind = (
                parts.path.replace("/VN", "/*") if "/VN" in parts.path else parts.path[:20],
                tuple(parse_qs(parts.query)),
            )
            if (parts.path or parts.query) and kind not in seen:
                seen.add(kind)
                assert client.get(urljoin(f"/en/{path}", link)).status_code == 200, link
    assert len(seen) > 8


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"en/{HOME}?country=Atlantis", 404, "“Atlantis” is not in the edition 2018."),
        (f"fr/{HOME}?country=Atlantis", 404, "« Atlantis » n’est pas dans l’édition 2018."),
        (f"vi/{HOME}?edition=1999", 400, "Ở đây không chọn được “1999”. Hãy chọn một trong: 2016; 2018."),
        (f"fr/{HOME}?edition=1999", 400, "Veuillez prendre l’un de ceux-ci : 2016 ; 2018."),
        (f"en/{HOME}?edition=2018%00", 400, "cannot be chosen here"),
        (f"en/{HOME}?group=opec", 400, "Please take one of asean; brics; eu; south-eastern-asia."),
        (f"en/{HOME}?sort=rang", 400, "“rang” cannot be chosen here."),
        (f"en/{HOME}?page=minus", 400, "“minus” cannot be chosen here."),
        (f"en/{OWN}/goal?place=0", 400, "There is no place 0 among 193. Please choose one from 1 to 193."),
        (f"vi/{OWN}/goal?place=٣", 400, "Không có vị trí ٣"),
        (f"en/{OWN}/goal?group=asean&place=11", 400, "There is no place 11 among 10."),
        (f"en/{OWN}/goal?group=eu&place=1", 400, "was no member of European Union"),
        (f"en/{OWN}/goal?field=sideways", 400, "Please take one of fixed; moving."),
        (f"en/{OWN}/goal?edition=2016&field=moving", 400, "Please take one of fixed."),
        (f"en/{OWN}/why?since=1999", 400, "Please take one of 2016; 2018."),
        ("en/figures/happiness", 404, "There are no figures of “happiness” here."),
        (f"en/{OWN}/nothing", 404, "We did not find"),
    ],
)  # fmt: skip
def test_a_bad_question_is_answered_in_words(client: Client, path: str, status: int, words: str) -> None:
    said = text(page(client, f"/{path}", status)).replace("\u202f", " ").replace("\xa0", " ")
    assert words in said
    assert "onedoor.measurement" not in said


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("place=78", "Online services from 0.7361 to 0.8889 (+22 of 144 features)"),
        ("place=71", "(+27 of 144 features)"),
        ("group=asean&place=4", "(+27 of 144 features)"),
        ("was=78&place=78&slide=71", "To place 71 of 193"),
        ("was=78&place=80&slide=71", "To place 80 of 193"),
        ("was=78&place=78&slide=78&group=asean&of=", "To place 5 of ASEAN"),
        ("place=88", "Place 88 is reached without a change."),
        ("place=1", "Human capital alone does not reach it: at its highest it gives place 54."),
        ("field=moving&place=85", "Rivals move on their trend to 2020."),
        ("field=moving&place=85", "of the fields drawn around the trend. From "),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_what_it_would_take_is_said_in_sentences(client: Client, asked: str, says: str) -> None:
    assert says in text(page(client, f"/en/{OWN}/goal?{asked}"))


def test_a_goal_that_no_change_can_reach_says_what_the_most_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_asked: object) -> None:
        raise OutOfReach(country="Viet Nam", place=2, most=3)

    monkeypatch.setattr(answers.goals, "solve", refuse)  # no edition of 2016 or 2018 has such a goal
    said = text(page(client, f"/en/{OWN}/goal?place=2"))
    assert "No change reaches place 2: with every part at its highest it is 3. That is the most." in said


def test_a_figure_opens_down_to_its_line_source_date_and_rules(client: Client) -> None:
    said = text(page(client, f"/en/{OWN}/origin"))
    for words in (
        "egdi-2018.csv, line 89",
        "July 2018",
        "(0.7361 + 0.6543 + 0.3890) / 3 = 0.5931",
        "The two agree",
        "87 of 193 countries have a higher value, 0 others the same.",
        "Ranks stand on the published values",
        "UN DESA, UN E-Government Survey 2018",
        "free to use with UN DESA named",
        f"egdi.yaml {shelf.shelf('egdi').digests[WORLD / 'indices' / 'egdi.yaml'][:12]}",
    ):
        assert words in said


@pytest.fixture
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None) -> Path:
    """Give a copy of the world that the pages read."""
    folder = tmp_path / "world"
    shutil.copytree(WORLD, folder)
    monkeypatch.setattr(shelf, "folder", lambda: folder)
    monkeypatch.setattr(shelf, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(shelf, "DRAWS", 200)
    monkeypatch.setattr(shelf, "_shelves", shelf._Shelves())
    return folder


def test_figures_of_another_edition_appear_with_their_file(
    client: Client, own_world: Path, changed: Callable[..., Path]
) -> None:
    assert page(client, f"/en/{HOME}?edition=2014", 400) is not None
    shutil.copy(changed({}, year=2016, edition=2014), own_world / "data" / "egdi-2014.csv")
    tree = page(client, f"/en/{HOME}?edition=2014")
    assert tree.xpath("//select[@id='edition']/option/text()") == ["2014", "2016", "2018"]
    assert [row[0] for row in table(tree, "editions")] == ["2018", "2016", "2014"]


def test_a_change_is_that_between_the_two_editions_that_were_chosen(
    client: Client, own_world: Path, changed: Callable[..., Path]
) -> None:
    shutil.copy(changed({}, year=2016, edition=2014), own_world / "data" / "egdi-2014.csv")
    same = text(page(client, f"/en/{OWN}/why?edition=2016&since=2014"))
    assert "Viet Nam: from 2014 to 2016 Online services: +0.00000;" in same
    assert table(page(client, f"/en/{OWN}/why?since=2018"), "made")[0] == ["Online services", "+0.0545"]


def test_a_table_that_cannot_be_used_is_named_and_the_others_stand(client: Client, own_world: Path) -> None:
    (own_world / "data" / "egdi-2020.csv").write_text("edition,country\n2020,Viet Nam\n")
    said = text(page(client, f"/en/{HOME}"))
    assert "Left out: egdi-2020.csv." in said
    assert "place 88 of 193 in 2018" in said
    (own_world / "groups" / "asean.yaml").write_text("group: [\n")  # a world at fault: what was read before stands
    assert "place 88 of 193 in 2018" in text(page(client, f"/en/{HOME}"))


def test_a_group_that_changed_changes_its_pages(client: Client, own_world: Path) -> None:
    assert "ASEAN: 10 members" in text(page(client, f"/en/{OWN}/origin"))
    group = own_world / "groups" / "asean.yaml"
    group.write_text(group.read_text().replace("codes: [KH]", "codes: [KH, TL]"))
    assert "ASEAN: 11 members" in text(page(client, f"/en/{OWN}/origin"))


def test_a_country_that_differs_is_marked(client: Client, own_world: Path, changed: Callable[..., Path]) -> None:
    shutil.copy(changed({"Viet Nam": {"egdi": "0.6931"}}), own_world / "data" / "egdi-2018.csv")
    tree = page(client, f"/en/{HOME}?country=VN")
    assert table(tree, "editions")[0][-3:] == ["0.6931", "0.5931", "differs"]
    assert "The two differ by more than rounding explains." in text(page(client, f"/en/{OWN}/origin"))


def test_a_country_that_was_not_assessed_has_a_page_that_says_so(
    client: Client, own_world: Path, changed: Callable[..., Path]
) -> None:
    (own_world / "data" / "egdi-2016.csv").unlink()
    silent = {"egdi": "0", "rank": "", "hci": ""}
    shutil.copy(changed({"Viet Nam": silent}), own_world / "data" / "egdi-2018.csv")
    tree = page(client, f"/en/{HOME}?country=VN&group=asean&sort=hci")
    (row,) = [one for one in table(tree) if "Viet Nam" in one]
    assert (row[3], row[4], row[6]) == ("0.0000", "–", "–")
    assert tree.xpath("//h1")[0].text_content() == "Viet Nam has no rank in 2018"
    assert not tree.xpath("//main//a[contains(@href,'/goal')]")
    assert "no rank" in text(tree)
    said = text(page(client, f"/en/{OWN}/origin"))
    assert "It was not assessed, so nothing is computed." in said
    assert "A value of 0 beside parts that are not 0" in said
    for path in ("goal", "why"):
        assert "it was not assessed" in text(page(client, f"/en/{OWN}/{path}", 400))
    assert {client.get(f"/en/{OWN}/{plot}.svg").status_code for plot in ("history", "waterfall")} == {404}


def test_without_figures_the_section_shows_the_rest(client: Client, own_world: Path) -> None:
    shutil.rmtree(own_world / "data")
    shown = text(page(client, "/en/figures/"))
    assert "How far services go online" in shown
    assert "E-Government" not in shown
    assert page(client, f"/en/{HOME}", 404) is not None


def test_a_page_whose_pictures_cannot_be_drawn_now_has_the_figures_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "svgs", lambda specs: [None] * len(specs))
    tree = page(client, f"/en/{HOME}?country=TH")
    assert "The picture is being drawn." in text(tree)
    assert table(tree, "editions")[0][1] == "73"
    monkeypatch.setattr(drawing, "svgs", lambda specs: ["<svg />"] * len(specs))
    assert "The picture is being drawn." not in text(page(client, f"/en/{HOME}?country=TH"))


@pytest.mark.usefixtures("undrawn")
def test_what_is_worked_out_says_so_until_it_is_there(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivities, "of", lambda _shelf, _year: None)
    assert "This is being worked out for all countries." in text(page(client, f"/en/{OWN}/why"))
