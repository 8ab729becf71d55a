"""How the portal's web server is started."""

import os
import subprocess
import sys

PROGRAM = """
import sys
import granian
from onedoor.site import serve

class Server:
    def __init__(self, target, **_options):
        self.target = target

    def serve(self):
        print(self.target, [name for name in sys.modules if name.partition(".")[0] == "onedoor"])

granian.Granian = Server
serve.web()
"""


def test_each_worker_imports_what_is_installed_when_it_begins() -> None:
    """It is a fork of the server: what that had imported would go on in it as it was before an upgrade."""
    environment = {**os.environ, "ONEDOOR_LISTEN": "127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "onedoor.site.wsgi:application []\n"
