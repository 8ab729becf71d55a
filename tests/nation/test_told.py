"""Through real gateways: who follows a register hears what is new, who used a fact that it was corrected."""

import pytest

from tests.nation.running import Running, wait_for
from tests.nation.test_story import Told

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
POPULATION = "VN/GOV/G01/POPULATION"
POLICE = "police-00199"
WHY, WORDS = "Giấy khai sinh số 77/1996 ghi khác.", "Bản chính giấy khai sinh đúng như bạn nói."
"""What the father and the officer write; no log and no file of a database may hold it."""


def test_social_insurance_hears_that_the_population_register_knows_the_child(nation: Running, told: Told) -> None:
    query = "SELECT id FROM registers_record WHERE register = 'population' AND version = 1 AND \"case\" = %s"
    ((record,),) = nation.rows("node_g01", query, told["case"])
    query = "SELECT version, fields, ended, purpose FROM registers_heardchange WHERE record = %s"
    heard = wait_for(lambda: nation.rows("node_g24", query, record), "social insurance hears nothing")
    assert heard == [(1, ["born", "full_name", "sex"], False, "insurance-upkeep")]


def test_who_used_a_fact_hears_that_it_was_corrected_and_nothing_of_what_was_said_leaks(
    nation: Running, told: Told
) -> None:
    father, officer = nation.signed_in("father"), nation.signed_in("residence", POLICE)
    form = father.get(father.get(nation.places.page("corrections/")).link("corrections/new")).main_form()
    page = father.submit(form.fill({"fact": "population.ethnicity", "value": "Tày", "why": WHY}))
    code = page.tree.xpath("//main//*[@class='num']/text()")[0]  # the newest stands first
    desk = officer.get(nation.places.desk(POLICE, "desk/corrections/"))
    form = officer.get(desk.link(code)).form("decision")
    officer.submit(form.fill({"decision": "accept", "words": WORDS})).found()
    query = "SELECT owner FROM registers_toldcorrection WHERE code = %s"
    assert wait_for(lambda: nation.rows("portal", query, code), "the portal is not told") == [(POPULATION,)]
    event = "SELECT data->'cases' FROM store_event WHERE name = 'registers.UsedFactCorrected' AND data->>'code' = %s"
    ((cases,),) = nation.rows("portal", event, code)
    assert told["case"] in cases
    assert not any(nation.rows(f"node_{member}", query, code) for member in ("g15", "g18", "g24"))  # they read it not
    assert not nation.holding(WHY, WORDS)
