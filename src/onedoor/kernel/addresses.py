"""Which addresses a process may connect to when somebody else named them: those of the Internet, and its own networks.

What would reach inside instead (loopback, private networks, a cloud's metadata) is refused. The name is looked up once
and the connection made to the address that was looked at, so that a name that resolves anew changes nothing.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Allowed = Callable[[str], bool]
"""Says of an IP address whether it may be connected to."""
TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 networks whose addresses stand for IPv4 ones (NAT64, 6to4, Teredo), which may be inside."""

METADATA = ip_network("fd00:ec2::/32")
"""Where a cloud tells its computers their secrets over IPv6; over IPv4 it is a link-local address."""


class NotAllowed(OSError):
    """An address of another's that leads inside."""


def public(address: str) -> bool:
    """Return whether an IP address is one of the Internet: not private, loopback, link-local, or a cloud's metadata."""
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in TRANSLATED)


def within(networks: Sequence[Network]) -> Allowed:
    """Return what allows public addresses, and those in *networks*."""

    def allows(address: str) -> bool:
        ip = ip_address(address)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return public(address) or any(ip in one for one in networks)

    return allows


def operators_own(address: str) -> bool:
    """Return whether an operator may have meant the IP address: a system's own, never a cloud's metadata or many's."""
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    reserved = ip.is_reserved and not ip.is_loopback  # ``::1`` lies in what is reserved
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or reserved or ip in METADATA)


def literal(host: str) -> bool:
    """Return whether *host* is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def chosen(found: Sequence[str], allows: Allowed) -> str:
    """Return the first of the addresses of a host; raise `NotAllowed` unless each of them may be connected to."""
    if not found or not all(allows(one) for one in found):
        raise NotAllowed("its address leads inside, or is none")
    return found[0]


def resolved(host: str, port: int, allows: Allowed) -> str:
    """Return the address of *host* to connect to; raise `OSError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("it is no name") from error
    return chosen([str(one[4][0]) for one in found], allows)
