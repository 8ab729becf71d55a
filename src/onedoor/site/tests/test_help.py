"""What ``--help`` says, and what is wrong with a command line, in every language."""

import argparse
from collections.abc import Iterator

import pytest

from onedoor.site import cli, messages
from onedoor.site.help_texts import positive

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


@pytest.mark.parametrize(
    "line", [["up", "--people"], ["story", "--people"], ["story", "--times"], ["nation", "people", "--count"]]
)
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("vi", "“-3” không phải số nguyên từ 1"),
        ("en", "“-3” is no whole number from 1"),
        ("fr", "«\u202f-3\u202f» n’est pas un nombre entier à partir de 1"),
    ],
)
def test_how_many_is_a_whole_number_from_1(
    capsys: pytest.CaptureFixture[str], line: list[str], language: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run([*line, "-3", "--language", language])
    assert ended.value.code == cli.FAILED
    told = capsys.readouterr().err
    assert line[-1] in told
    assert said in told


@pytest.mark.parametrize("line", [["up", "--port"], ["measure", "rank", "--data", "x", "--edition"]])
def test_what_is_no_whole_number_is_said_in_words(capsys: pytest.CaptureFixture[str], line: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run([*line, "abc", "--language", "fr"])
    assert ended.value.code == cli.FAILED
    assert "«\u202fabc\u202f» n’est pas un nombre entier" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "meant"), [("1", 1), ("10000", 10_000), ("0", None), ("1.5", None), ("٣", None)])
def test_a_positive_number_has_digits_alone(given: str, meant: int | None) -> None:
    if meant:
        assert positive(given) == meant
    else:
        with pytest.raises(argparse.ArgumentTypeError):
            positive(given)
