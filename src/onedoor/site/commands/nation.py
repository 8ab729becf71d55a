"""``onedoor nation``: check the files of a nation, bring them into force, publish their JSON Schemas, make people."""

import argparse
from pathlib import Path

from onedoor.kernel.said import listed, spoken
from onedoor.site import messages
from onedoor.site.cli import DEFAULT_NATION, FAILED
from onedoor.site.commands import nation_versions
from onedoor.site.help_texts import positive
from onedoor.site.messages import text as _
from onedoor.site.progress import OPTION, shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    messages.add_argument(parser)
    parts = parser.add_subparsers(dest="part", metavar="check|examples|load|versions|schemas|people", required=True)
    check = parts.add_parser("check", help="name every fault in the files of a nation, with file and line")
    check.add_argument("folder", type=Path, nargs="?", default=DEFAULT_NATION, help="folder of the nation")
    examples = parts.add_parser("examples", help="play the examples of every service and say which come out otherwise")
    examples.add_argument("folder", type=Path, nargs="?", default=DEFAULT_NATION, help="folder of the nation")
    nation_versions.add_arguments(parts)
    schemas = parts.add_parser("schemas", help="write the JSON Schema of every kind of file, for editors")
    schemas.add_argument("folder", type=Path, help="folder to write them to")
    people = parts.add_parser("people", help="make synthetic people: a gzipped file of JSON lines per register")
    people.add_argument("--count", type=positive, default=10_000, help="how many")
    people.add_argument("--seed", type=int, default=1, help="which: the same seed makes the same people")
    people.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    people.add_argument("--out", type=Path, default=Path("var/people"), help="folder to write them to")
    people.add_argument(OPTION, action="store_true", help="tell on standard output how far it is, for a program")
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    from onedoor.site import kinds

    kinds.load()
    return PARTS[arguments.part](arguments)


def _check(arguments: argparse.Namespace) -> int:
    from onedoor.kernel import nation

    faults = nation.check(arguments.folder)
    for fault in faults:
        print(fault.text(_))
    if not faults:
        print(_("{folder}: no fault.", folder=arguments.folder))
    return FAILED if faults else 0


def _examples(arguments: argparse.Namespace) -> int:
    from onedoor.procedures import examples, layouts
    from onedoor.site.up.checks import sound_nation

    country = sound_nation(arguments.folder)
    played = list(examples.played(country))
    for service, say, differences in played:
        told = spoken(listed(differences), _) if differences else _("as expected")
        print(_("{service}: {say}: {told}", service=service, say=say, told=told))
    faults = list(layouts.faults(country))
    for fault in faults:
        print(fault.text(_))
    wrong = sum(bool(differences) for _service, _say, differences in played)
    print(_("{n} examples, {wrong} not as expected.", n=len(played), wrong=wrong))
    return FAILED if wrong or faults else 0


def _schemas(arguments: argparse.Namespace) -> int:
    from onedoor.kernel import nation

    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in nation.published().items():
        (folder / name).write_text(text, "utf-8")
        print(folder / name)
    return 0


def _people(arguments: argparse.Namespace) -> int:
    from onedoor.registers.people import files, generator
    from onedoor.site.up.checks import sound_nation

    country = sound_nation(arguments.nation)
    with shown(_("Making people"), arguments.count, lines=arguments.progress_lines) as show:
        rows = generator.generate(arguments.count, arguments.seed, nation=country, progress=show)
    with shown(_("Writing"), sum(map(len, rows.values())), lines=arguments.progress_lines) as show:
        written = files.write(arguments.out, rows, show)
    for register, count in written.items():
        file = f"{arguments.out / register}.jsonl.gz"
        print(_("{file}: {count} synthetic records", file=file, count=count))
    return 0


PARTS = {
    "check": _check,
    "examples": _examples,
    "load": nation_versions.load,
    "versions": nation_versions.listing,
    "schemas": _schemas,
    "people": _people,
}
