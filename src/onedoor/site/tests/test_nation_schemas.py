"""The published JSON Schemas are sound, one a kind of file, and accept what the check accepts."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from onedoor.kernel import nation, settings
from onedoor.kernel.nation.documents import parse
from onedoor.site import cli, kinds

NATIONS = settings.REPOSITORY / "nations"
OWN = {"nation", "agencies", "list", "register", "right", "service", "demonstration"}


@pytest.fixture(autouse=True)
def every_kind() -> None:
    kinds.load()


def test_the_command_writes_them(tmp_path: Path) -> None:
    assert cli.run(["nation", "schemas", str(tmp_path / "schemas")]) == 0
    assert {file.name.partition(".")[0] for file in (tmp_path / "schemas").iterdir()} >= OWN


def test_each_is_a_sound_schema_of_its_draft_and_accepts_the_nation() -> None:
    country = nation.load(NATIONS / "vietnam")
    for name, text in nation.published().items():
        schema = json.loads(text)
        jsonschema_rs.meta.validate(schema)
        validator = jsonschema_rs.validator_for(schema)
        for document in country.documents(name.partition(".")[0]):
            assert validator.is_valid(document.data), document.path


def test_each_refuses_a_key_that_its_kind_does_not_have() -> None:
    found = {
        "group": parse(NATIONS / "world" / "groups" / "asean.yaml", "asean")[0],
        "features": parse(NATIONS / "world" / "features" / "osi-2024.yaml", "osi-2024")[0],
        "index": parse(NATIONS / "world" / "indices" / "egdi.yaml", "egdi")[0],
    }
    country = nation.load(NATIONS / "vietnam")
    for name, text in nation.published().items():
        kind = name.partition(".")[0]
        data = (found.get(kind) or country.documents(kind)[0]).data
        validator = jsonschema_rs.validator_for(json.loads(text))
        assert validator.is_valid(data), kind
        (error,) = validator.iter_errors({**data, "nmae": "a slip of the pen"})
        assert error.kind.as_dict() == {"unexpected": ["nmae"]}, kind
