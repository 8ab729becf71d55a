"""The personas of the demonstration, written into every population with their fixed numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from onedoor.registers.people.family import Household, Marriage, Newborn, Person, Population
from onedoor.registers.people.world import World


def take_in(world: World, population: Population) -> None:
    """Add the personas with their household, their marriage and the notice of their newborn."""
    rows = {row["id"]: row for row in world.data.get("personas", ()) if row["kind"] == "person"}
    people = {key: _person(row["name"], row["number"], row["person"]) for key, row in rows.items()}
    for key, row in rows.items():
        parents = row["person"]
        people[key].mother, people[key].father = (people.get(parents.get(role, "")) for role in ("mother", "father"))
    if not people:
        return
    home = world.data["household"]
    members = [(people[one["persona"]], one["relation"]) for one in home["members"]]
    population.take_in(Household(home["unit"], home["address"], members))
    if couple := world.data.get("marriage"):
        day = date.fromisoformat(couple["registered_on"])
        wedding = Marriage(people[couple["husband"]], people[couple["wife"]], day, couple["place"])
        population.marriages.append(wedding)
    if notice := world.data.get("notice"):
        born = world.today - timedelta(days=notice["days_ago"])
        population.newborns.append(Newborn(people[notice["mother"]], born, notice))


def _person(name: str, number: str, data: Mapping[str, Any]) -> Person:
    return Person(
        name=name,
        family=name.split(maxsplit=1)[0],
        sex=data["sex"],
        born=date.fromisoformat(data["born"]),
        ethnicity=data.get("ethnicity", ""),
        native_place=data.get("native_place", ""),
        registered_in=data["registered_in"],
        number=number,
    )
