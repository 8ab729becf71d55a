"""One tree of errors; each says what happened and what to do, in the reader's language.

The English docstring of a class is its gettext key and may hold ``{names}`` filled from the keyword
arguments the error was raised with. Rooms subclass the kinds below; `STATUS` is the one table to HTTP.
"""

from collections.abc import Callable, Mapping
from inspect import cleandoc

from onedoor.kernel.said import Translate, spoken
from onedoor.kernel.text import pick


class OnedoorError(Exception):
    """Something went wrong on our side. Nothing you entered is lost. Please try again in a few minutes."""

    def __init__(self, /, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.text())

    @classmethod
    def key(cls) -> str:
        """Return the English sentence that is also the key of its translations."""
        return " ".join(cleandoc(cls.__doc__ or OnedoorError.__doc__ or "").split())

    def text(self, translate: Callable[[str], str] = str, language: str = "en") -> str:
        """Return the sentence for a reader of *language*, translated by *translate* (a gettext function).

        A fact may be a text of the nation, in its languages, or a sentence of our own (`kernel.said`).
        """
        facts = {key: _told(fact, translate, language) for key, fact in self.facts.items()}
        return translate(self.key()).format_map(_Facts(facts))


def _told(fact: object, translate: Translate, language: str) -> object:
    if isinstance(fact, Mapping):
        return pick(fact, language)
    return spoken(fact, translate) if isinstance(fact, str) else fact


class _Facts(dict[str, object]):
    def __init__(self, facts: Mapping[str, object]) -> None:
        super().__init__(facts)

    def __missing__(self, name: str) -> str:
        return "…"


class BadInput(OnedoorError):
    """We could not use what was sent: {what}. Please correct it and send it again."""


class NotText(BadInput):
    """What was sent holds a sign that is no text. Please type it again and send it once more."""


class SignInNeeded(OnedoorError):
    """Please sign in first. You will come back to this page."""


class NotAllowed(OnedoorError):
    """You may not do this here. If you think you should, ask the agency in charge."""


class NotFound(OnedoorError):
    """We did not find what you are looking for. Please check the address or the code."""


class Gone(OnedoorError):
    """What you are looking for was here and is no more."""


class Conflict(OnedoorError):
    """Someone else changed this in the meantime. Please look at it again before you go on."""


class TooLarge(OnedoorError):
    """What was sent is larger than the {limit} allowed. Please send a smaller file."""


class Unavailable(OnedoorError):
    """{who} does not answer at the moment. Nothing is lost; please try again in a few minutes."""


STATUS: Mapping[type[OnedoorError], int] = {
    OnedoorError: 500,
    BadInput: 400,
    NotText: 422,
    SignInNeeded: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    Unavailable: 503,
}


def status_of(error: OnedoorError) -> int:
    """Return the HTTP status of *error*: that of its nearest ancestor in `STATUS`."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
