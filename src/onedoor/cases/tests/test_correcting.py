"""Where a person sees a fact of a register, the way to its correction is not far."""

import pytest

from onedoor.cases.tests.test_pages import APPLY, Visitor, own_language, submitted, text, walk

__all__ = ["own_language"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("people", "seals", "transport")]


def test_whoever_sees_a_fact_of_a_register_can_ask_for_its_correction() -> None:
    mother, new = Visitor("mother"), "/en/corrections/new"
    asked = f"//main//a[starts-with(@href, '{new}')]"
    walk(mother, "/child")
    seen = [mother.get(f"{APPLY}/{page}") for page in ("who", "child")]
    assert any(tree.xpath(f"//ul[@class='facts']{asked.removeprefix('//main')}") for tree in seen)
    code = submitted(mother)
    for page in ("receipt", "", "reads"):
        assert mother.get(f"cases/{code}/{page}".rstrip("/")).xpath(asked), page
    home = mother.get(f"cases/{code}/reads").xpath("//a[@href='/en/corrections/new?fact=residence.address']")
    assert "This is wrong: ask for a correction" in text(home[0])
    chosen = mother.get("corrections/new?fact=residence.address").xpath("//input[@checked]")
    assert [one.get("value") for one in chosen] == ["residence.address"]
