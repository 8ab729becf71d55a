"""Keys, rights and configuration of the exchange follow the version of the nation that is in force."""

import sys
import time

from onedoor.exchange.directory import lab
from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation, versions
from onedoor.site import cli
from onedoor.site.messages import text as _
from onedoor.site.up.plan import Options

PAUSE = 5.0
"""Seconds until the next try when something could not be made."""


class Following:
    """What the supervisor does when another version came into force; safe to be killed at any time, and to do again."""

    def __init__(self, options: Options, nation: Nation) -> None:
        self.options = options
        self.digest = nation.path.name
        self._next = 0.0

    def tend(self) -> bool:
        """Follow what is in force; return whether it is another version than before."""
        found = versions.history(self.options.versions)[-1]
        if found.digest == self.digest or time.monotonic() < self._next:
            return False
        try:
            place = versions.place(self.options.versions, found)
            lab.provision(nations.load(place), self.options.var, self.options.port)
        except (OnedoorError, OSError) as error:
            why = cli.in_words(error)
            said = _("The exchange could not follow version {version}: {why}", version=found.short, why=why)
            sys.stderr.write(f"onedoor: {said}\n")
            self._next = time.monotonic() + PAUSE
            return False
        self.digest = found.digest
        return True
