"""How gateways hold when there is much of it: twenty peers, a large configuration, a long log.

Twenty pairs of gateways stand beside twenty pairs of Debian's nginx, as in `exchange`; a configuration of 1,000
members, 20,000 services and 100,000 rights beside that of ten; an index of ten million messages beside one of 10,000.
``python -m bench.breadth FOLDER`` measures with its state in FOLDER and prints JSON.
"""

import asyncio
import json
import os
import random
import secrets
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from bench import rush
from bench.exchange import NGINX, REPEATS, ROUND, SECONDS, backends, proxies
from bench.measure import Ratio, apart, compare, told
from bench.rush import Load
from onedoor.exchange.connections import client_context
from onedoor.exchange.directory import publishing
from onedoor.exchange.directory.layout import SYSTEMS, Seat
from onedoor.exchange.gateway import batches, index, local, messages, reading, segments
from onedoor.exchange.gateway.index import Index
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.tests.large import MIB, resident
from onedoor.exchange.tests.nation import Place, free_base
from onedoor.signing.certificates import load_certificates
from onedoor.site.lab import invented

PEERS, CONNECTIONS = 20, 64
PEERS_FLOOR, PEERS_GOAL = 0.12, 0.30
SMALL, MEMBERS, SERVICES, RIGHTS = 10, 1_000, 20, 100_000
"""Members of the small configuration and of the large one, services of each of these, rights in all."""
FEW, MANY = 10_000, 10_000_000
"""Messages in the index before and after."""
LARGEST_RECORD = 1.5 * ROUND
IDLE, REST = 60.0, 3.0
"""MiB that a gateway at rest may take, and seconds until it is one."""
TICK = os.sysconf("SC_CLK_TCK")


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios, measured in a process of their own with its state in *var*."""
    if not NGINX:
        say("breadth: nginx is not installed, nothing is measured")
        return []
    say("breadth: twenty peers, a large configuration, a long log")
    return apart("bench.breadth", var / "breadth")


def main(folder: Path) -> None:
    """Measure, and print the ratios as JSON."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(told([*_peers(folder / "peers"), *_configurations(folder), *_lookups(folder / "log")]))


def _peers(folder: Path) -> Iterator[Ratio]:
    place = _lab(folder, 2 * PEERS)
    names = list(place.seats)
    pairs = list(zip(names[:PEERS], names[PEERS:], strict=True))
    with ExitStack() as stack:
        stack.enter_context(backends(place, *(provider for _, provider in pairs)))
        stack.callback(place.stop)
        place.start("directory")
        for name in names:
            place.start(f"gateway-{name}")
        nginx = [stack.enter_context(proxies(place, *pair, 2 * place_)) for place_, pair in enumerate(pairs)]
        ours = [_load(place, _port(place.seats[one]), one, other) for one, other in pairs]
        theirs = [_load(place, port, *pair) for port, pair in zip(nginx, pairs, strict=True)]
        yield compare(
            f"exchange: 1 KiB, {CONNECTIONS} connections over {PEERS} peers",
            partial(rush.throughput, ours, CONNECTIONS, SECONDS),
            partial(rush.throughput, theirs, CONNECTIONS, SECONDS),
            floor=PEERS_FLOOR,
            unit="/s",
            more=True,
            repeats=REPEATS,
            note=f"goal {PEERS_GOAL:.2f}; against nginx→nginx, {PEERS} servers on each side",
        )


def _configurations(folder: Path) -> Iterator[Ratio]:
    with ExitStack() as stack:
        made = []
        for name, large in (("small", False), ("large", True)):
            place = _lab(folder / name, SMALL)
            _publish(place, large=large)
            one, other = list(place.seats)[:2]
            stack.enter_context(backends(place, other))
            stack.callback(place.stop)
            place.start(f"gateway-{one}", f"gateway-{other}")
            body = b"x" * ROUND
            made.append((place, _load(place, _port(place.seats[one]), one, other, body)))
        (small, few), (large_, many) = made
        yield _idle(small, few)
        yield compare(
            f"exchange: on-CPU time of a message, {MEMBERS} members, {MEMBERS * SERVICES} services, {RIGHTS} rights",
            partial(_spent, large_, many),
            partial(_spent, small, few),
            floor=1.1,
            unit="µs",
            repeats=REPEATS,
            note=f"both gateways; against {SMALL} members",
        )
        yield _logged(small, few)


def _idle(place: Place, load: Load) -> Ratio:
    """Return the resident memory of a gateway that has served a message and rests."""
    rush.answers([load], 1, 0.1)
    time.sleep(REST)
    most = max(resident(place, name) for name in place.running) / MIB
    ratio = most / IDLE
    return Ratio(f"exchange: an idle gateway, {SMALL} members", most, IDLE, "MiB", ratio, ratio, ratio, 1.0)


def _logged(place: Place, load: Load) -> Ratio:
    """Return how much a log takes for a message of 1 KiB, requests and answers alike: that of the gateway with more."""
    folders = [seat.gateway_state / "log" for seat in list(place.seats.values())[:2]]
    before = [_size(folder) for folder in folders]
    count = len(rush.answers([load], CONNECTIONS, SECONDS))
    each = max((_size(folder) - size) / (2 * count) for folder, size in zip(folders, before, strict=True))
    ratio = each / LARGEST_RECORD
    return Ratio(
        "exchange: log of a request or answer of 1 KiB", each, LARGEST_RECORD, "bytes", ratio, ratio, ratio, 1.0
    )


def _lookups(folder: Path) -> Iterator[Ratio]:
    """Yield how long a message takes to be found by its id in an index of many, against one of few."""
    key, ids = secrets.token_bytes(32), [f"{number:08x}" for number in range(FEW)]
    asyncio.run(_write(folder, key, ids))
    few, many = folder, folder.with_name("log-of-many")
    shutil.copytree(few, many)
    indices = []
    for one in (few, many):
        found = Index(one, key)
        while found.catch_up():
            pass
        indices.append(found)
    _fill(many / index.FILE)
    yield compare(
        f"exchange: a message found by its id among {MANY:,}",
        partial(_found, indices[1], ids),
        partial(_found, indices[0], ids),
        floor=1.3,
        repeats=REPEATS,
        note=f"against {FEW:,}; beyond these the index is filled with places of invented ids",
    )


async def _write(folder: Path, key: bytes, ids: list[str]) -> None:
    log, sealer = Log(folder, key, size=2**20), _sealer(folder.with_name("peers"))
    body = b"x" * ROUND
    for start in range(0, len(ids), 16):
        heads = (
            messages.request_head(b"GET", b"/r1/x", [(b"X-Road-Id", one.encode())]) for one in ids[start : start + 16]
        )
        batch = [messages.Message.of(head, body) for head in heads]
        log.append(reading.SENT_REQUESTS, batches.seal(batches.REQUESTS, sealer, "b", batch, 1), lambda _: None)
        await asyncio.sleep(0)
    for _ in range(2):  # what is written last is no finished segment
        log.append(reading.REFUSED, bytes(2**20), lambda _: None)
    await asyncio.sleep(0.1)
    log.close()


def _sealer(var: Path) -> batches.Sealer:
    found = local.read(var / "gateway-M1")
    return batches.Sealer.of(found.id, found.key, load_certificates(found.folder / local.SIGNING_CERTIFICATE)[0])


def _fill(path: Path) -> None:
    """Fill the index at *path* up to `MANY` messages, a million at a time."""
    chosen = random.Random(7)
    with closing(sqlite3.connect(path)) as connection:
        for part in range(FEW, MANY, 1_000_000):
            marks = sorted(chosen.getrandbits(64) - 2**63 for _ in range(1_000_000))
            rows = ((mark, 10_000 + part // 5_000, place, 1) for place, mark in enumerate(marks))
            with connection:
                connection.executemany("INSERT OR IGNORE INTO place VALUES (?, ?, ?, ?)", rows)


def _found(found: Index, ids: list[str]) -> float:
    """Return the median milliseconds until a message's record has been read, over 500 of them."""
    taken = []
    for one in random.sample(ids, 500):
        start = time.perf_counter()
        records = [record for record in found.records(one) if record.kind != reading.REFUSED]
        taken.append(1000 * (time.perf_counter() - start))
        assert len(records) == 1
    return statistics.median(taken)


def _lab(folder: Path, members: int) -> Place:
    """Return a place of so many invented members."""
    invented.prepare(folder / "nation", members)
    place = Place(folder, free_base(), name=str(folder / "nation"))
    for environment in place.environments.values():
        environment["ONEDOOR_LOG_LEVEL"] = "warning"
    return place


def _publish(place: Place, *, large: bool) -> None:
    """Give all gateways a configuration that outlasts the measuring, with many more members and rights if *large*."""
    path = place.layout.directory / publishing.CONTENT
    content = json.loads(path.read_text("utf-8"))
    if large:
        names = [f"{invented.NATION}/ORG/X{number}" for number in range(MEMBERS - SMALL)]
        services = [{"code": f"service-{number}", "kind": "REST"} for number in range(SERVICES)]
        for one in names:
            system = {"id": f"{one}/S", "name": one, "systems": [], "services": services}
            content["members"].append({"id": one, "name": one, "subsystems": [system]})
        pattern = content["rights"][0]
        for number in range(RIGHTS - len(content["rights"])):
            service = f"{names[-1 - number % 977]}/S/service-{number % SERVICES}"
            content["rights"].append(pattern | {"client": f"{names[number % len(names)]}/S", "service": service})
    path.write_text(json.dumps(content), "utf-8")
    signed = publishing.Publisher(place.layout.directory).publish()
    for seat in place.seats.values():
        (seat.gateway_state / local.CONFIGURATION).write_bytes(signed)


def _spent(place: Place, load: Load) -> float:
    """Return the microseconds that both gateways are on a processor for one message."""
    before = _on_cpu(place)
    count = len(rush.answers([load], CONNECTIONS, SECONDS))
    return 1e6 * (_on_cpu(place) - before) / count


def _on_cpu(place: Place) -> float:
    total = 0
    for process in place.running.values():
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def _size(folder: Path) -> int:
    """Return the bytes of all records in the log."""
    total = 0
    for path in folder.glob("*.log"):
        ends = [record.end for record in segments.records(path, None)]
        total += ends[-1] if ends else 0
    return total


def _load(place: Place, port: int, consumer: str, provider: str, body: bytes = b"") -> Load:
    """Return what asks *provider* for 1 KiB at *port*, with the key of *consumer*."""
    seats = place.seats
    state = seats[consumer].state
    target = f"/r1/{seats[provider].member.subsystem}/{invented.SERVICE}?size={ROUND}"
    said = {
        "Host": f"localhost:{port}",
        "X-Road-Client": seats[consumer].member.subsystem,
        "Onedoor-Purpose": invented.PURPOSE,
        "Onedoor-Basis": invented.BASIS,
        "Accept": "*/*",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(body)),
    }
    lines = [f"{'POST' if body else 'GET'} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    context = client_context(state / "tls.pem", state / "tls.key", state / "tls-trust.pem")
    return Load("127.0.0.1", port, context, ("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def _port(seat: Seat) -> int:
    return int(seat.address(SYSTEMS).rpartition(":")[2])


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
