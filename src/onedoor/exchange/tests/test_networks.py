"""Networks that fail between two gateways: nothing acknowledged is lost, and traffic comes back by itself.

Everything runs in one network namespace; nftables drops or resets what goes to the provider's gateway or comes from it.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from onedoor.exchange.tests.mortal import (
    ASKING,
    PROVIDING,
    Nursery,
    check,
    environments,
    lines,
    wait_for_traffic,
)
from onedoor.exchange.tests.nation import Place, free_base

pytestmark = pytest.mark.timeout(180)
IP, NFT = (shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("ip", "nft"))
NAME = f"od{os.getpid()}-net"
INSIDE = (IP or "ip", "netns", "exec", NAME)
RULES = {
    "partition": ("tcp dport {port} drop", "tcp sport {port} drop"),
    "the way there is lost": ("tcp dport {port} drop",),
    "the way back is lost": ("tcp sport {port} drop",),
    "resets": ("tcp dport {port} reject with tcp reset",),
}
LOSS = tuple(f"tcp {end} {{port}} numgen random mod 10 < 3 drop" for end in ("dport", "sport"))
SHORT, LONG = 1.0, 30.0
"""Seconds: shorter and longer than a connection may be without an acknowledgement."""
DELAY = 0.1


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Nursery]]:
    if why := unable():
        pytest.skip(why)
    place = Place(tmp_path_factory.mktemp("var"), free_base())
    try:
        run(IP, "-n", NAME, "link", "set", "lo", "up")
        with Nursery(environments(place), place, INSIDE) as nursery:
            for name in ("provider", PROVIDING, ASKING, "consumer"):
                nursery.bear(name)
            wait_for_traffic(place)
            yield place, nursery
            for name in ("consumer", ASKING, PROVIDING):
                nursery.end(name)
        check(place)
    finally:
        run(IP, "netns", "del", NAME)


@pytest.mark.parametrize("fault", RULES)
def test_traffic_comes_back_by_itself_after(net: tuple[Place, Nursery], fault: str) -> None:
    disturb(net[0], RULES[fault], SHORT)


@pytest.mark.soak
@pytest.mark.parametrize("fault", RULES)
def test_traffic_comes_back_by_itself_long_after(net: tuple[Place, Nursery], fault: str) -> None:
    disturb(net[0], RULES[fault], LONG)


def test_traffic_goes_on_while_three_of_ten_packets_are_lost(net: tuple[Place, Nursery]) -> None:
    break_network(net[0], LOSS)
    wait_for_traffic(net[0])
    mend_network()
    wait_for_traffic(net[0])


def test_traffic_goes_on_over_a_slow_line(net: tuple[Place, Nursery]) -> None:
    place, nursery = net
    whole = nursery.environments[PROVIDING]
    address = whole["ONEDOOR_EXCHANGE_LISTEN"]
    own = f"127.0.0.1:{place.base + 491}"
    moved = {**whole, "ONEDOOR_EXCHANGE_LISTEN": own}
    between = {"ADDRESS": address, "TARGET": own, "SECONDS": str(DELAY), "OUTPUT": str(place.var / "proxy.out")}
    nursery.environments = {**nursery.environments, PROVIDING: moved, "proxy": between}
    nursery.end(PROVIDING, signal.SIGKILL)
    nursery.bear(PROVIDING)
    nursery.bear("proxy")
    wait_for_traffic(place, 4)
    begun = time.monotonic()
    wait_for_traffic(place, 9)
    assert time.monotonic() - begun > 2 * DELAY, "nothing was slow"


def disturb(place: Place, rules: tuple[str, ...], seconds: float) -> None:
    break_network(place, rules)
    time.sleep(0.2)  # what was on its way arrives
    before = len(lines(place.var / "consumer"))
    time.sleep(seconds)
    after = len(lines(place.var / "consumer"))
    mend_network()
    assert after == before, "the network is broken"
    wait_for_traffic(place)


def break_network(place: Place, rules: tuple[str, ...]) -> None:
    port = place.environments[PROVIDING]["ONEDOOR_EXCHANGE_LISTEN"].rpartition(":")[2]
    chain = "\n".join(rule.format(port=port) for rule in rules)
    text = f"table inet fault {{ chain broken {{ type filter hook input priority 0;\n{chain}\n}}\n}}\n"
    run(*INSIDE, NFT, "-f", "-", given=text)


def mend_network() -> None:
    run(*INSIDE, NFT, "delete", "table", "inet", "fault")


def unable() -> str:
    """Make the namespace; return why this computer cannot, or nothing."""
    if os.geteuid() or not IP or not NFT:
        return "only root can make network namespaces, with the programs ip and nft: bin/system-packages installs them"
    try:
        run(IP, "netns", "add", NAME)
        run(*INSIDE, NFT, "list", "ruleset")
    except AssertionError as error:
        return f"this machine does not let root make networks: {error}"
    return ""


def run(*command: str | None, given: str = "") -> None:
    done = subprocess.run([one or "" for one in command], capture_output=True, text=True, input=given, check=False)
    assert done.returncode == 0, done.stderr
