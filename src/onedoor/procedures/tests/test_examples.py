"""Every example of every service of every nation is a test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils.translation import gettext, override

from onedoor.kernel.nation import Nation, load
from onedoor.kernel.said import spoken
from onedoor.procedures import examples, reading
from onedoor.procedures.definition import Service
from onedoor.procedures.domain import SERVICE
from onedoor.procedures.examples import Example
from onedoor.procedures.tests.births import NOW, VIETNAM
from onedoor.registers import domain as registers  # noqa: F401 - makes files of registers known

NATIONS = sorted(path.parent for path in (Path(__file__).parents[4] / "nations").glob("*/nation.yaml"))


def found() -> Iterator[object]:
    for path in NATIONS:
        nation = load(path)
        for document in nation.documents(SERVICE.name):
            for service in map(reading.read, reading.versions(document.data)):
                for example in service.examples:
                    name = f"{path.name}: {service.id} {service.version}: {example['say']}"
                    yield pytest.param(nation, service, example, id=name)


@pytest.mark.parametrize(("nation", "service", "example"), list(found()))
def test_the_example_comes_out_as_expected(nation: Nation, service: Service, example: Example) -> None:
    assert examples.differences(service, example, nation) == []


@pytest.mark.parametrize(("nation", "service", "example"), list(found()))
def test_no_silent_register_breaks_the_form(nation: Nation, service: Service, example: Example) -> None:
    assert examples.outages(service, example, nation) == []


def test_a_form_that_a_silent_register_breaks_is_found() -> None:
    rule = replace(NOW.eligible[0], condition="applicant.sex == 'F'", when="true")
    broken = replace(NOW, eligible=(rule,))
    assert len(examples.outages(broken, NOW.examples[0], VIETNAM)) == 1


def test_an_example_that_expects_something_else_fails() -> None:
    example = NOW.examples[0]
    wrong = {**example, "expect": {"pages": ["who"], "nonsense": 1}}
    first, second = examples.differences(NOW, wrong, VIETNAM)
    assert first.startswith('pages: expected ["who"], but it is ["')
    assert second == "nonsense: expected 1, but it is nothing"


def test_what_comes_out_otherwise_in_a_map_is_told_alone_in_each_language() -> None:
    example = next(one for one in NOW.examples if "refused" in one["expect"])
    wrong = {**example, "expect": {"refused": {**example["expect"]["refused"], "clinic": "Choose"}}}
    (told,) = examples.differences(NOW, wrong, VIETNAM)
    assert told == 'refused.clinic: expected "Choose", but it is nothing'
    with override("vi"):
        assert spoken(told, gettext) == 'refused.clinic: mong đợi "Choose", nhưng kết quả là không có'
