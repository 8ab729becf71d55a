"""What holds for everything that is built: access rules, documented names, nothing inline in a page."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from onedoor.kernel.settings import OF_TESTS, Settings, known
from tests import reference
from tests.reference import apis, code, nations
from tests.reference.routes import ROLES, TABLES, routes_at, routes_of

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "onedoor"
NATIONS = sorted(path.parent for path in (ROOT / "nations").glob("*/nation.yaml"))
RULES = {"public", "person 1", "person 2", "officer 2", "gateway"}
EVERYWHERE = {
    "front",
    "health",
    "counts",
    "ledger",
    "openapi",
    "empty",
    "serve",
    "sign_in",
    "sign_out",
}
OPEN = {
    "portal": EVERYWHERE
    | {"catalogue_export", "service", "services"}
    | {"breaches", "check", "home", "sealed", "search", "service"}
    | {"data", "figures", "goal", "index", "origin", "plot", "tiles", "why"}
    | {"assessment", "assessment_export", "assessments"}
    | {"features_json", "index_features", "live_csv", "live_index", "live_json", "stage", "stages", "stages_export"},
    "node": EVERYWHERE | {"verify"},
}
"""The views that are open to everybody; add one only when it shows nothing of anybody."""
INLINE = re.compile(r"""(?i)<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:""")


@pytest.mark.parametrize("role", ROLES)
def test_every_route_has_an_access_rule(role: str) -> None:
    routes = routes_of(role)
    assert len(routes) > 15
    assert not [one for one in routes if one["who"] not in RULES]


@pytest.mark.parametrize("role", ROLES)
def test_only_the_named_views_are_open_to_everybody(role: str) -> None:
    found = {one["view"].rpartition(".")[2] for one in routes_of(role) if one["who"] == "public"}
    assert found <= OPEN[role]


@pytest.mark.parametrize("role", ROLES)
def test_every_address_below_exchange_is_for_the_own_gateway_alone(role: str) -> None:
    for one in routes_of(role):
        assert one["route"].startswith("exchange/") == (one["who"] == "gateway"), one


def test_an_officers_desk_is_at_nodes_and_a_persons_dossiers_are_at_the_portal() -> None:
    """At the portal are desks of its own member's officers alone: for what everybody reads there, for its gateway."""
    at = {role: {one["who"].split()[0] for one in routes_of(role)} for role in ROLES}
    desk = {one["route"].split("/")[1] for one in routes_of("portal") if one["who"].startswith("officer")}
    assert desk == {"assessments", "desk"}
    assert "person" not in at["node"]


LISTENING = re.compile(
    r"\.(?:start_server|create_server)\(|\bThreadingHTTPServer\b|\bGranian\(|cheroot\.wsgi import Server"
)
OF_DJANGO = {"onedoor.site.serve", "onedoor.site.listeners"}
"""Where the application of a portal or node is served; its routes are those of `routes_of`."""


def test_every_listener_has_a_table_of_its_routes() -> None:
    ours = (path for path in SOURCE.rglob("*.py") if not {"tests", "examples"} & set(path.parts))
    found = {module_of(path) for path in ours if LISTENING.search(path.read_text())}
    # One makes the listener whose requests `consuming` answers, the other the sockets of workers' watch listeners.
    gateway = {"onedoor.exchange.gateway.main", "onedoor.exchange.gateway.keeping"}
    assert found == OF_DJANGO | gateway | set(TABLES.values()) - {"onedoor.exchange.gateway.consuming"}


@pytest.mark.parametrize("listener", TABLES)
def test_every_route_of_a_listener_without_django_has_a_rule_and_says_what_it_does(listener: str) -> None:
    routes = routes_at(listener)
    assert len({one.path for one in routes}) == len(routes) > 1
    assert {one.rule.who for one in routes} <= {"public", "system", "watcher"}
    assert all(one.about.endswith(".") for one in routes)


@pytest.mark.parametrize("listener", TABLES)
def test_a_listener_without_django_knows_no_address_beside_its_table(listener: str) -> None:
    tree = ast.parse((SOURCE.parent / f"{TABLES[listener].replace('.', '/')}.py").read_text())
    table = next(one for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "ROUTES")
    listed = {one.value for one in ast.walk(table) if isinstance(one, ast.Constant)}
    texts = {
        one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str | bytes)
    }
    named = {one if isinstance(one, str) else one.decode("latin-1") for one in texts}
    assert not {one for one in named if re.fullmatch(r"/[\w./<>:-]*", one)} - listed - {"/"}
    assert {one.path for one in routes_at(listener)} <= listed


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)


@pytest.mark.parametrize("page", list(reference.pages()))
def test_the_reference_says_what_the_code_says(page: str) -> None:
    written = (reference.REFERENCE / page).read_text()
    assert written == reference.pages()[page](), f"run: {reference.COMMAND}"


def test_nothing_stands_in_the_reference_that_no_code_stands_behind() -> None:
    assert not reference.left_over(), f"run: {reference.COMMAND}"


def test_every_setting_has_a_sentence() -> None:
    told = code.settings_told()
    assert set(told) == {field.name.upper() for field in fields(Settings)}
    assert not [name for name, about in told.items() if not about], "write a sentence below the field in Settings"


def test_every_name_in_the_environment_is_a_setting_or_documented() -> None:
    own = {f"ONEDOOR_{field.name.upper()}" for field in fields(Settings)}
    others = set(code.BY_THEMSELVES) | set(code.FOR_TESTS)
    texts = [path.read_text() for folder in (SOURCE, ROOT / "tests", ROOT / "bench") for path in folder.rglob("*.py")]
    used = set(re.findall(r"[\"'`](ONEDOOR_[A-Z]+(?:_[A-Z]+)*)[\"'`]", "\n".join(texts)))
    missing = {name for name in used if name.removesuffix("_FILE") not in own | others}
    assert not missing, "name them in BY_THEMSELVES or FOR_TESTS of tests/reference/code.py"


def test_every_argument_of_a_command_says_what_it_is_for() -> None:
    silent = [line for line in code.commands().splitlines() if re.fullmatch(r" *- `[^`]+`(: default .*|: )?", line)]
    assert not silent, "give these arguments a help="


def test_every_event_and_error_has_a_sentence_of_its_own() -> None:
    from onedoor.kernel.errors import OnedoorError
    from onedoor.kernel.events import Event

    code.load()
    assert not [kind for base in (Event, OnedoorError) for kind in code.heirs(base) if not kind.__dict__.get("__doc__")]


@pytest.mark.parametrize("role", ROLES)
def test_every_view_says_what_it_does(role: str) -> None:
    assert not [one for one in routes_of(role) if not one["about"]], "give these views a docstring"


@pytest.mark.parametrize("role", ROLES)
def test_every_route_that_is_no_page_stands_in_an_openapi_document(role: str) -> None:
    bare = [one["route"] for one in routes_of(role) if not one["route"].startswith(("<language>/", "static/"))]
    wanted = [route for route in bare if route and not route.endswith("openapi.json")]
    assert len(wanted) > 5
    known = apis.described()
    missing = [route for route in wanted if apis.bare(route) not in known]
    assert not missing, "describe them: `described` in the room's urls.py, or the OpenAPI document of its exchange API"


def test_every_operation_of_an_api_says_what_it_does_and_what_its_errors_are() -> None:
    for api in apis.documents():
        for path, item in api.document["paths"].items():
            for method in set(item) & set(apis.METHODS):
                where = f"{api.file} {method} {path}"
                assert item[method].get("summary"), where
                assert all(one["description"] for one in item[method]["responses"].values()), where


def test_every_kind_of_file_and_every_table_of_a_nation_is_documented() -> None:
    from onedoor.kernel.nation.file_kinds import kinds

    page = (reference.REFERENCE / "files.md").read_text()
    assert not [kind.name for kind in kinds() if f"(schemas/{kind.name}.schema.json)" not in page]
    modules = [
        path for path in SOURCE.rglob("*.py") if "/tests/" not in str(path) and "read_table(" in path.read_text()
    ]
    columns = {column for _, names in nations.tables().values() for column in names}
    for path in modules:
        for named in re.findall(r"^[A-Z_]*COLUMNS = \((.*?)\)$", path.read_text(), re.DOTALL | re.MULTILINE):
            assert set(re.findall(r'"([a-z_]+)"', named)) <= columns, f"name the table of {path} in nations.tables()"


def test_every_register_of_every_nation_is_documented_with_its_fields_and_readers() -> None:
    assert len(nations.FOLDERS) > 1
    for folder in nations.FOLDERS:
        page = (reference.REFERENCE / "registers" / f"{folder.name}.md").read_text()
        for path in sorted((folder / "registers").glob("*.yaml")):
            assert f"(`{path.stem}`)" in page, path


def test_every_variable_that_the_engine_reads_is_known_to_its_check_at_start() -> None:
    texts = [path.read_text() for path in SOURCE.rglob("*.py") if "tests" not in path.parts]
    read = set(re.findall(r"[\"'](ONEDOOR_[A-Z]+(?:_[A-Z]+)*)[\"']", "\n".join(texts)))
    assert len(read) > 10
    assert not {one for one in read if not one.startswith(OF_TESTS)} - set(known())


def test_every_sentence_of_an_error_says_something_to_people() -> None:
    from onedoor.kernel.errors import OnedoorError

    code.load()
    for error in code.heirs(OnedoorError):
        key = error.key()  # type: ignore[attr-defined]
        assert key, error
        assert key[0].isupper() or key[0] in "{“", error
        assert key.endswith((".", "?", "”", "}")), f"{error}: {key}"


def test_nothing_stands_inline_in_a_page() -> None:
    templates = [*SOURCE.rglob("templates/**/*.html"), *SOURCE.rglob("static/**/*.js")]
    assert len(templates) > 20
    found = [f"{path}: {hit}" for path in templates for hit in INLINE.findall(path.read_text())]
    assert not found


def test_the_content_policy_allows_nothing_inline_and_no_other_site() -> None:
    from onedoor.site.middleware import CONTENT_POLICY

    assert "default-src 'none'" in CONTENT_POLICY
    assert not re.search(r"unsafe|\*|https?:|nonce", CONTENT_POLICY)
    assert not [
        path for path in SOURCE.rglob("*.py") if "unsafe-inline'" in path.read_text() and "tests" not in str(path)
    ]


def words_of(readme: Path) -> list[str]:
    """Return the terms that a room's README explains under its Words, in a table or in a list."""
    section = re.search(r"^## Words\n(.*?)(?=^## |\Z)", readme.read_text(), re.DOTALL | re.MULTILINE)
    lines = section[1].splitlines() if section else []
    table = [line.split("|")[1].strip() for line in lines if line.startswith("| ") and not line.startswith("| word |")]
    listed = [name for line in lines for name in re.findall(r"\*\*([^*]+)\*\*(?=[ :,])", line)]
    terms = (re.sub(r" \(.*|`", "", term) for found in (*table, *listed) for term in re.split(r", | / ", found))
    return [term.strip().lower() for term in terms]


def glossary() -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()]
    return [[cell.strip() for cell in row] for row in rows if len(row) == 5 and "---" not in row[0]][1:]


def test_every_term_of_a_room_stands_in_the_glossary_in_every_language() -> None:
    known = {term for row in glossary() for cell in (row[0], row[2]) for term in cell.lower().split(", ")}
    readmes = sorted(SOURCE.glob("*/README.md"))
    terms = {term: readme.parent.name for readme in readmes for term in words_of(readme)}
    assert len(terms) > 30
    assert not {term: room for term, room in terms.items() if term not in known}, "add them to docs/glossary.md"


def test_the_glossary_leaves_nothing_out_and_names_nothing_twice() -> None:
    rows = glossary()
    assert not [row for row in rows if not all(row)]
    assert len({row[0] for row in rows}) == len(rows)


SHAPE = {"domain.py", "urls.py", "tasks.py", "events.py", "service.py", "rules.py"}
"""Files that any room may have: the toolkits' pages tell what they do with those of others."""


@pytest.mark.parametrize("readme", sorted(SOURCE.glob("*/README.md")), ids=lambda path: path.parent.name)
def test_every_file_a_rooms_readme_names_is_there(readme: Path) -> None:
    places = (readme.parent, SOURCE, ROOT, *(path for path in readme.parent.iterdir() if path.is_dir()))
    named = re.findall(r"`([\w./-]+\.(?:py|html|yaml))`", readme.read_text())
    missing = [
        name
        for name in named
        if name not in SHAPE and not any((place / name).exists() for place in (*places, *NATIONS))
    ]
    assert not missing


def test_the_map_of_the_front_page_names_every_room() -> None:
    page = (ROOT / "README.md").read_text()
    rooms = [f"](src/onedoor/{readme.parent.name}/README.md)" for readme in SOURCE.glob("*/README.md")]
    assert not [link for link in rooms if link not in page]


def test_every_file_a_page_links_to_in_the_repository_is_there() -> None:
    pages = [*ROOT.glob("*.md"), *SOURCE.glob("*/README.md"), *(ROOT / "nations").glob("*/**/README.md")]
    for page in pages:
        links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
        assert not [link for link in links if not (page.parent / link).exists()], page
