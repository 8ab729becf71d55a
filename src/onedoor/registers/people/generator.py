"""Makes a whole synthetic population for the registers of a nation."""

import random
from collections.abc import Callable
from datetime import date
from typing import Any

from onedoor.kernel import nation as nations
from onedoor.kernel.nation import Nation
from onedoor.kernel.nation.layers import current
from onedoor.registers import definition
from onedoor.registers.people import personas
from onedoor.registers.people.family import Founder, Population
from onedoor.registers.people.rows import Rows
from onedoor.registers.people.world import World


def generate(
    count: int,
    seed: int = 1,
    *,
    today: date | None = None,
    nation: Nation | None = None,
    progress: Callable[[int], None] = lambda _people: None,
) -> dict[str, list[dict[str, Any]]]:
    """Return rows by register for *count* synthetic people, the personas of the demonstration among them.

    A nation whose file says nothing of people to make has the records that stand in it, and nobody else.
    The same *count*, *seed* and *today* give the same people. *progress* is told how many people there are so far.
    """
    country = nation or nations.current()
    demonstration = country.documents("demonstration")
    data = demonstration[0].data if demonstration else {}
    if "people" not in data:
        return {register: list(records) for register, records in data.get("records", {}).items()}
    world = World(country, today or country.today(), random.Random(seed))  # noqa: S311 - not for secrets
    population = Population()
    personas.take_in(world, population)
    founder = Founder(world, population)
    while len(population.people) < count:
        founder.found(count - len(population.people))
        progress(len(population.people))
    day = country.today()
    registers = [definition.read(current(document.data, day)) for document in country.documents("register")]
    return Rows(world, population, {one.id: one for one in registers}).all()
