import inspect
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from onedoor.kernel.errors import OnedoorError
from onedoor.signing import certificates, detached, keys, pades, pdf, stamps, tokens
from onedoor.signing.asice import findings
from onedoor.signing.verdict import Reason

MODULES = (certificates, detached, keys, pades, pdf, stamps, tokens)


def sentences():
    room = Path(pdf.__file__).parent
    found = {key for _, _, key, _, _ in extract_from_dir(room, [("**.py", "python")], keywords={"said": None})}
    found |= {reason.value for kind in (Reason, findings.Reason, findings.Why) for reason in kind}
    for module in MODULES:
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, OnedoorError) and kind.__module__ == module.__name__:
                found.add(kind.key())
    return found


@pytest.mark.parametrize("language", ["vi", "fr"])
def test_every_sentence_is_said_in_each_language_and_none_too_many(language):
    path = Path(pdf.__file__).parent / "locale" / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        catalogue = {message.id: message.string for message in read_po(file) if message.id}
    assert set(catalogue) == sentences()
    assert all(catalogue.values())
