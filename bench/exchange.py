"""Two gateways that sign, verify, authorise and log, against two of Debian's nginx that pass on and do none of it.

Both stand in front of the same system, with as many workers, mutual TLS 1.3 with P-256 on every hop, and connections
kept alive. ``python -m bench.exchange FOLDER [WORKERS]`` measures with its state in FOLDER and prints JSON; with more
than one worker what rates are alone, as memory is that of one process.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import large
from bench.measure import Ratio, apart, compare, told
from bench.rush import Load
from onedoor.exchange.connections import client_context
from onedoor.exchange.directory.layout import EXCHANGE, SYSTEMS
from onedoor.exchange.gateway import local
from onedoor.exchange.tests.nation import Place, answers, free_base, wait_for

SECONDS, REPEATS = 3.0, 5
CONSUMER, PROVIDER = "G22", "G01"
TARGET = "/r1/VN/GOV/G01/POPULATION/cases/one"
WHY = {
    "X-Road-Client": "VN/GOV/G22/PORTAL",
    "X-Road-UserId": "bench",
    "X-Road-Issue": "2611-BENCH-00",
    "Onedoor-Purpose": "hand-over",
    "Onedoor-Basis": "nd63-2024.4.5",
    "Accept": "*/*",
}
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
ROUND, NEAR, FAR = 1024, 50, 51
"""Bytes of a KiB; what is added to the ports of the gateways' ranges for the proxies."""
CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log crit; {user}
worker_processes {workers}; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_buffer_size 256k; client_max_body_size 16m; proxy_buffers 32 16k; proxy_buffer_size 16k;
  proxy_max_temp_file_size 0;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  ssl_protocols TLSv1.3; ssl_verify_client on;
  proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_session_reuse on;
  proxy_http_version 1.1; proxy_set_header Connection "";
  upstream next {{ server {next}; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 1h; }}
  server {{
    listen {listen} ssl reuseport backlog=1024;
    ssl_certificate {server}.pem; ssl_certificate_key {server}.key; ssl_client_certificate {server}-trust.pem;
    location / {{
      proxy_pass https://next; proxy_ssl_name localhost;
      proxy_ssl_certificate {client}.pem; proxy_ssl_certificate_key {client}.key;
      proxy_ssl_trusted_certificate {client}-trust.pem;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: KiB of an answer and of a question, connections, and the part of nginx's rate that must be kept."""

    name: str
    answer: int
    question: int
    connections: int
    floor: float
    goal: float


CASES = (
    Case("1 KiB, 64 connections, one peer", 1, 0, 64, 0.30, 0.60),
    Case("1 KiB, 256 connections, one peer", 1, 0, 256, 0.45, 0.80),
    Case("10 KiB both ways, 64 connections", 10, 10, 64, 0.25, 0.50),
    Case("100 KiB both ways, 64 connections", 100, 100, 64, 0.20, 0.40),
)
ONE_CLIENT_FLOOR = 30.0


def measure(var: Path, say: Callable[[str], None]) -> list[Ratio]:
    """Return the ratios, measured in a process of their own with its state in *var*."""
    if not NGINX:
        say("exchange: nginx is not installed, nothing is measured")
        return []
    say("exchange: two gateways against two proxies")
    return apart("bench.exchange", var / "exchange")


def main(folder: Path, workers: int = 1) -> None:
    """Start everything with so many *workers* each, measure, and print the ratios as JSON."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(folder, free_base())
    for environment in place.environments.values():
        environment["ONEDOOR_LOG_LEVEL"] = "warning"  # the proxies write no line for each request either
        environment["ONEDOOR_WORKERS"] = str(workers)
    with ExitStack() as stack:
        stack.enter_context(backends(place, PROVIDER))
        stack.callback(place.stop)
        place.start("directory", f"gateway-{CONSUMER}", f"gateway-{PROVIDER}")
        entrance = stack.enter_context(proxies(place, CONSUMER, PROVIDER, workers=workers))
        print(told(_ratios(place, entrance) if workers == 1 else _rates(place, entrance)))


def _ratios(place: Place, entrance: int) -> Iterator[Ratio]:
    entrances = (_port(place, CONSUMER, SYSTEMS), entrance)
    loads = [_load(place, port, CASES[0]) for port in entrances]
    bodies = [partial(large.rate, one.port, one.tls, _sized(one)) for one in loads]
    yield from large.memory(place, bodies[0])
    yield from _rates(place, entrance)
    yield large.ratio(*bodies)
    ours, anchor = loads
    yield compare(
        "exchange: one client, p50",
        partial(ours.latency, SECONDS),
        partial(anchor.latency, SECONDS),
        floor=ONE_CLIENT_FLOOR,
        repeats=REPEATS,
        note="goal 10; against nginx→nginx",
    )


def _rates(place: Place, entrance: int) -> Iterator[Ratio]:
    entrances = (_port(place, CONSUMER, SYSTEMS), entrance)
    for case in CASES:
        ours, anchor = (_load(place, port, case) for port in entrances)
        yield compare(
            f"exchange: {case.name}",
            partial(ours.throughput, case.connections, SECONDS),
            partial(anchor.throughput, case.connections, SECONDS),
            floor=case.floor,
            unit="/s",
            more=True,
            repeats=REPEATS,
            note=f"goal {case.goal:.2f}; against nginx→nginx",
        )


def _sized(load: Load) -> bytes:
    """Return what *load* sends, asking for ``{size}`` bytes."""
    return load.wire.replace(b"size=%d" % (CASES[0].answer * ROUND), b"size={size}")


def _load(place: Place, port: int, case: Case) -> Load:
    """Return what asks for *case* at *port*, with the key of the portal."""
    state = place.seats[CONSUMER].state
    context = client_context(state / "tls.pem", state / "tls.key", state / "tls-trust.pem")
    body = b"x" * (case.question * ROUND)
    lines = [f"{'POST' if body else 'GET'} {TARGET}?size={case.answer * ROUND} HTTP/1.1", f"Host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in WHY.items()]
    lines += [f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}"] if body else []
    return Load("127.0.0.1", port, context, ("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def _port(place: Place, member: str, offset: int) -> int:
    return int(place.seats[member].address(offset).rpartition(":")[2])


@contextmanager
def backends(place: Place, *providers: str) -> Iterator[None]:
    """Keep the systems of *providers* running."""
    command = [sys.executable, "-m", "bench.backend"]
    for seat in (place.seats[one] for one in providers):
        files = [str(seat.state / name) for name in ("tls.pem", "tls.key", "tls-trust.pem")]
        command += [seat.address(EXCHANGE), *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        running.stdout.readline()
        try:
            yield
        finally:
            running.kill()


@contextmanager
def proxies(place: Place, asking: str, providing: str, after: int = 0, workers: int = 1) -> Iterator[int]:
    """Keep two proxies of so many *workers* running, with the certificates of the gateways they stand beside.

    Give the first's port.
    Others may stand on so many ports *after* which theirs begin.
    """
    near, far = (place.base + offset + SYSTEMS + after for offset in (NEAR, FAR))
    consumer, provider = (place.seats[one].gateway_state for one in (asking, providing))
    backend = place.seats[providing].address(EXCHANGE)
    with ExitStack() as stack:
        one = {
            "listen": f"127.0.0.1:{far}",
            "next": backend,
            "server": provider / local.OUTER,
            "client": provider / local.INNER,
        }
        other = {
            "listen": f"127.0.0.1:{near}",
            "next": f"127.0.0.1:{far}",
            "server": consumer / local.INNER,
            "client": consumer / local.OUTER,
        }
        for name, facts in (("far", one), ("near", other)):
            stack.enter_context(_nginx(place.var / f"nginx-{name}-{after}", facts | {"workers": workers}))
        yield near


@contextmanager
def _nginx(folder: Path, facts: dict[str, object]) -> Iterator[None]:
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, user=user, **facts))
    with subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]) as running:
        try:
            wait_for(lambda: answers(str(facts["listen"])), f"nginx at {facts['listen']}")
            yield
        finally:
            running.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), *map(int, sys.argv[2:]))
