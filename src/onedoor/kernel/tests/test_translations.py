"""Every error of the kernel speaks three languages."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from onedoor.kernel import errors
from onedoor.kernel.errors import OnedoorError

for module in ("clock", "events", "ids", "ledger", "nation", "settings"):
    import_module(f"onedoor.kernel.{module}")


def kinds_of(error: type[OnedoorError]) -> list[type[OnedoorError]]:
    return [error, *(kind for below in error.__subclasses__() for kind in kinds_of(below))]


def of_the_kernel() -> dict[str, type[OnedoorError]]:
    return {
        kind.key(): kind
        for kind in kinds_of(OnedoorError)
        if kind.__module__.startswith("onedoor.kernel.") and ".tests." not in kind.__module__
    }


@pytest.mark.parametrize("language", ["vi", "fr"])
def test_every_error_has_its_sentence(language):
    path = Path(errors.__file__).parent / "locale" / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        catalogue = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    kinds = of_the_kernel()
    assert len(kinds) > 15
    assert set(kinds) <= set(catalogue)
    for key, kind in kinds.items():
        assert catalogue[key], f"{kind.__name__} has no sentence in {language}"
        assert names_in(catalogue[key]) == names_in(key), kind


def names_in(sentence: str) -> set[str]:
    return set(re.findall(r"{\w+}", sentence))
