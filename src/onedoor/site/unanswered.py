"""Why nothing came from an address, in words."""

import ssl

from onedoor.kernel.fetching import BadAnswer
from onedoor.site.messages import text as _


def why(error: Exception, strange: str) -> str:
    """Return in words what *error* says of asking there; *strange* when something answers, and not as it should."""
    if isinstance(error, TimeoutError):
        return _("the answer did not come in time")
    if isinstance(error, BadAnswer) or not isinstance(error, OSError):
        return strange
    if isinstance(error, ssl.SSLError):
        return _("what answers there does not prove its name")
    if isinstance(error, ValueError):
        return _("this is no address of a server")
    return _("nobody answers there")
