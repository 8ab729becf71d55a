import subprocess
import sys

SCRIPT = """
import sys
from onedoor.signing import certificates, detached, keys, pades, pdf
heavy = {"django", "pyhanko", "aiohttp"} & set(sys.modules)
raise SystemExit(f"loaded: {heavy}" if heavy else 0)
"""


def test_the_room_needs_no_django_and_loads_what_is_heavy_only_when_used():
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
