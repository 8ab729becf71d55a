"""Who may ask through this gateway, and how it shows that it is the subsystem it names: X-Road's connection types."""

from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway.faults import client_side
from onedoor.exchange.gateway.local import HTTP, HTTPS, MUTUAL, Local
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.identifiers import named


def identify_any(configuration: Configuration, local: Local, client: str, asked: Asked) -> None:
    """Do as `identify`, and let *client* be the member as well whose gateway this is.

    It shows a certificate of one of its systems here, whichever way that connects.
    """
    own, _, _ = local.id.rpartition("/")
    if client != own:
        identify(configuration, local, client, asked)
        return
    here = [one for one in configuration.subsystems.values() if one.id.startswith(f"{own}/")]
    behind = configuration.gateways[local.id].clients if local.id in configuration.gateways else frozenset()
    if not any(asked.certificate in one.systems for one in here if one.id in behind):
        why = "TLS certificate does not match registered certificates"
        raise client_side("SslAuthenticationFailed", f"Client ({named(client)}) {why}")


def identify(configuration: Configuration, local: Local, client: str, asked: Asked) -> None:
    """Raise `Fault` unless *client* is behind this gateway and *asked* came the way its connection type wants."""
    subsystem, own = configuration.subsystems.get(client), configuration.gateways.get(local.id)
    if subsystem is None or own is None or client not in own.clients:
        raise client_side("UnknownMember", f"Client '{named(client)}' not found")
    way = local.connections.get(client, MUTUAL)
    if way == HTTP or (way == HTTPS and asked.secure):
        return
    if way == HTTPS:
        why = "specifies HTTPS NO AUTH but client made plaintext connection"
    elif not asked.certificate:
        why = "specifies HTTPS but did not supply TLS certificate"
    elif asked.certificate not in subsystem.systems:
        why = "TLS certificate does not match registered certificates"
    else:
        return
    raise client_side("SslAuthenticationFailed", f"Client ({named(client)}) {why}")
