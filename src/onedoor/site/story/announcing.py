"""A story is a run, no real case: the portal's operator announces it before it is played."""

import subprocess

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation
from onedoor.site import messages
from onedoor.site.embedded import Server
from onedoor.site.messages import text as _
from onedoor.site.story.play import MOTHER, SERVICE
from onedoor.site.up.plan import Options, parts
from onedoor.site.up.supervisor import RECORD

PORTAL = "portal-web"


class NotAnnounced(OnedoorError):
    """The story was not announced as a run, so its case would count as a real one. It was not played: {why}."""


def announce(country: Nation, options: Options, times: int) -> str:
    """Announce *times* stories with the settings of the portal that runs there, and return what to say of it.

    Raise `NotAnnounced` when the portal refuses.
    """
    if not (options.var / RECORD).exists():
        return _("No nation runs in {var}, so its operator did not announce this story as a run.", var=options.var)
    found = parts(options, country, Server(options.var / "postgres"))
    portal = next(part for part in found if part.name == PORTAL)
    words = ["measure", "run", SERVICE, "--as", MOTHER, "--times", str(times), "--language", messages.language()]
    command = [*portal.command[:-1], *words]
    done = subprocess.run(command, env=portal.environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise NotAnnounced(why=done.stderr.strip().rpartition("\n")[2].removeprefix("onedoor: ").rstrip("."))
    return done.stdout.strip()
