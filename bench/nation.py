"""The check of a large nation: 500 services and 50 registers made from Viet Nam's, against parsing the same YAML."""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from bench.measure import Ratio, compare
from onedoor.kernel import nation
from onedoor.procedures import schema
from onedoor.site import kinds

FLOOR = 5.0
SERVICES, REGISTERS, REPEATS = 500, 50, 3
NATION = Path("nations/vietnam")


def measure(say: Callable[[str], None], services: int = SERVICES, registers: int = REGISTERS) -> list[Ratio]:
    """Return the ratio of checking a generated nation to parsing its YAML files."""
    say(f"nation check: {services} services, {registers} registers")
    kinds.load()
    with tempfile.TemporaryDirectory(prefix="onedoor-nation-") as name:
        country = generate(Path(name), services, registers)
        found = nation.check(country)
        if found:
            raise AssertionError(f"the generated nation has faults: {found[0]}")
        return [
            compare(
                f"nation check, {services} services and {registers} registers",
                lambda: timed(lambda: nation.check(country)),
                lambda: timed(lambda: parse(country)),
                repeats=REPEATS,
                floor=FLOOR,
                unit="s",
                note="anchor: PyYAML's parser in C loads the same files",
            )
        ]


def generate(folder: Path, services: int, registers: int) -> Path:
    """Copy Viet Nam to *folder* and multiply its service and its registers, each under an id of its own."""
    country = shutil.copytree(NATION, folder / "vietnam", ignore=shutil.ignore_patterns("fonts"))
    service = (country / "services" / "birth-linked.yaml").read_text("utf-8")
    named = re.compile(rf"\b({'|'.join(_questions(service) - _fields(country))})\b")
    for number in range(1, services):
        own = service.replace("service: vn.birth-linked", f"service: vn.birth-{number}", 1)
        own = named.sub(rf"\1_{number}", own)
        (country / "services" / f"birth-{number}.yaml").write_text(own, "utf-8")
    files = sorted((country / "registers").glob("*.yaml"))
    for number in range(registers - len(files)):
        file = files[number % len(files)]
        own = file.read_text("utf-8").replace(f"register: {file.stem}", f"register: {file.stem}-{number}", 1)
        (country / "registers" / f"{file.stem}-{number}.yaml").write_text(own, "utf-8")
    return country


def _questions(service: str) -> set[str]:
    """Return the ids of a service's questions: each copy has its own, so that no two copies share expressions."""
    return {field for page in yaml.safe_load(service)["form"].values() for field in page.get("fields", {})}


def _fields(country: Path) -> set[str]:
    """Return every word of the registers and of the schema: what a question shares with them keeps its name."""
    words = set(re.findall(r"\w+", json.dumps(schema.FILE)))
    for file in (country / "registers").glob("*.yaml"):
        words |= set(re.findall(r"\w+", file.read_text("utf-8")))
    return words


def parse(country: Path) -> None:
    """Parse every YAML file of *country*, as the check must at least."""
    for path in sorted(country.rglob("*.yaml")):
        yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of processor time of one *work*: it runs in one thread and waits for nothing."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    for ratio in measure(print):
        print(*ratio.row(), sep="  ")
