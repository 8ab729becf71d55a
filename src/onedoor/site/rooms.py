"""Makes a new room in a checkout: its folder, its place in the contract of levels, in the roles, on the map."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said

CONTRACT = Path(".importlinter")
SETTINGS = Path("src/onedoor/site/settings.py")
MAP = Path("README.md")
SITE = "| [`src/onedoor/site`]"
"""How the last room's line of the map begins."""
ROLES = ("portal", "node")
NAME = re.compile(r"[a-z][a-z]+")
LEVELS = re.compile(r"(?<=\nlayers =\n)((?:    .*\n)+)")


class NoCheckout(BadInput):
    """{folder} is not a checkout of onedoor: {missing} is not there. Please run this at the top of one."""


class BadRoomName(BadInput):
    """A room cannot be called “{name}”: {why}. Please choose another name."""


class NoLevel(BadInput):
    """“{name}” has no level yet. Please add --beside ROOM or --above ROOM; the rooms are {rooms}."""


def make(root: Path, name: str, title: str, *, beside: str, above: str, roles: Sequence[str]) -> list[Path]:
    """Make the room *name* in the checkout *root* and return the files made or changed; raise before any change."""
    for path in (CONTRACT, SETTINGS, MAP):
        if not (root / path).is_file():
            raise NoCheckout(folder=root, missing=path)
    folder = root / "src" / "onedoor" / name
    if not NAME.fullmatch(name):
        raise BadRoomName(name=name, why=said("it must be one word of small letters"))
    if folder.exists():
        raise BadRoomName(name=name, why=said("{folder} is already there", folder=folder))
    contract = placed((root / CONTRACT).read_text("utf-8"), name, beside, above)
    settings = installed((root / SETTINGS).read_text("utf-8"), name, higher(contract, name), roles)
    files = {folder / path: text for path, text in content(name, title).items()}
    line = f"| [`src/onedoor/{name}`](src/onedoor/{name}/README.md) | {title} |\n"
    chart = (root / MAP).read_text("utf-8").replace(SITE, line + SITE, 1)
    files |= {root / CONTRACT: contract, root / SETTINGS: settings, root / MAP: chart}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(files)


def order(contract: str) -> list[str]:
    """Return every room of the contract, from the highest level to the lowest."""
    return re.findall(r"[a-z]+", _levels(contract))


def placed(contract: str, name: str, beside: str, above: str) -> str:
    """Return the contract with the room *name* in it: out of its parentheses, or at the level that was named."""
    known = order(contract)
    levels = _levels(contract)
    if name in known:
        new = levels.replace(f"({name})", name)
    elif (beside or above) in known:
        line = next(line for line in levels.splitlines() if re.search(rf"\b{beside or above}\b", line))
        new = levels.replace(line, f"{line} | {name}" if beside else f"    {name}\n{line}")
    else:
        raise NoLevel(name=name, rooms=", ".join(known))
    return contract.replace(levels, new)


def _levels(contract: str) -> str:
    found = LEVELS.search(contract)
    if found is None:
        raise NoCheckout(folder=CONTRACT, missing="“layers”")
    return found[1]


def higher(contract: str, name: str) -> list[str]:
    """Return the rooms on the levels above that of *name*."""
    lines = _levels(contract).splitlines()
    own = next(number for number, line in enumerate(lines) if re.search(rf"\b{name}\b", line))
    return re.findall(r"[a-z]+", " ".join(lines[:own]))


def installed(settings: str, name: str, above: Sequence[str], roles: Sequence[str]) -> str:
    """Return the settings with the room among those of *roles* and of the tests, before the rooms *above* it."""
    for role in (*roles, "test"):
        before = re.search(rf'(?m)^    "{role}": \[([^\]]*)\],$', settings)
        if before is None:
            raise NoCheckout(folder=SETTINGS, missing=f"ROOMS[“{role}”]")
        rooms = re.findall(r'"(\w+)"', before[1])
        place = next((number for number, room in enumerate(rooms) if room in above), len(rooms))
        line = ", ".join(f'"{room}"' for room in (*rooms[:place], name, *rooms[place:]))
        settings = settings.replace(before[0], _wrapped(role, line))
    return settings


def _wrapped(role: str, rooms: str, width: int = 120) -> str:
    """Return a line of `ROOMS` as the formatter leaves it: one room a line when they do not fit."""
    whole = f'    "{role}": [{rooms}],'
    if len(whole) <= width:
        return whole
    parts = "".join(f"        {room},\n" for room in rooms.split(", "))
    return f'    "{role}": [\n{parts}    ],'


def content(name: str, title: str) -> Mapping[str, str]:
    """Return the files of a new room by path: the least that every check asks for."""
    return {
        "__init__.py": f'"""{title}."""\n',
        "README.md": README.format(name=name, title=title),
        "apps.py": APPS.format(name=name, title=title, config=f"{name.capitalize()}Config"),
        "domain.py": f'"""What the room tells the site: its title."""\n\nTITLE = "{name.capitalize()}"\n',
        "service.py": '"""The door of the room: the only module, beside ``events``, that other rooms import."""\n',
        "tests/test_service.py": TEST.format(name=name),
    }


README = """\
# {name}

{title}.

## Words
Name here what the nouns of this room mean, and add them to `docs/glossary.md` in all its languages.

## Doors
`service`: nothing yet.

## Where to change what
- the room's title and the kinds of files it understands: `domain.py`; its door: `service.py`
"""
APPS = '''\
"""The Django app of the room."""

from django.apps import AppConfig


class {config}(AppConfig):
    """{title}."""

    name = "onedoor.{name}"
    label = "{name}"
'''
TEST = """\
from django.apps import apps

from onedoor.{name} import domain


def test_the_room_is_installed_and_has_a_title() -> None:
    assert apps.get_app_config("{name}").name == "onedoor.{name}"
    assert domain.TITLE
"""
