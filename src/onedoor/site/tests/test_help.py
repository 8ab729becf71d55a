"""What ``--help`` says, and what is wrong with a command line, in every language."""

import argparse
from collections.abc import Iterator

import pytest

from onedoor.site import cli, messages

OWN = ("usage: ", "positional arguments", "options", "show this help message and exit", "unrecognized arguments: %s")


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    messages.use("en")
    yield
    messages.use(None)


def told(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every sentence of a parser and of those below it."""
    yield from filter(None, [parser.description])
    for action in parser._actions:
        yield from filter(None, [action.help])
        if isinstance(action, argparse._SubParsersAction):
            yield from (one.help for one in action._choices_actions if one.help)
            for below in action.choices.values():
                yield from told(below)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_help_is_translated(command: str) -> None:
    sentences = {*told(cli.parser(command)), *OWN}
    for language in ("vi", "fr"):
        known = messages._catalogue(language)
        assert [one for one in sentences if known.gettext(one) == one] == (["options"] if language == "fr" else [])


@pytest.mark.parametrize(("language", "told"), [("vi", "cách dùng: "), ("en", "usage: "), ("fr", "usage\u202f: ")])
def test_help_and_mistakes_speak_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], language: str, told: str
) -> None:
    for line in (["nation", "check", "--help", "--language", language], ["nation", f"--language={language}", "chek"]):
        with pytest.raises(SystemExit):
            cli.run(line)
        said = capsys.readouterr()
        assert (said.out + said.err).startswith(told)


def test_the_language_may_stand_before_and_behind_the_part(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["nation", "--language", "fr", "check"], ["nation", "check", "--language", "fr"]):
        assert cli.run([*line, "nations/testland"]) == 0
        assert "aucun" in capsys.readouterr().out
