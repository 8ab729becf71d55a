"""Runs every test but the long counts in two lanes at once: those of the whole, which start nations, those of rooms.

``python -m tests.lanes`` shows the first lane as it goes and the second when both are done; it ends 0 if both do.
"""

import subprocess
import sys
import tempfile

NATION = ("-m", "not soak", "tests")
OTHERS = ("-m", "not soak", "src")


def main() -> int:
    """Run both lanes; return the worse of their exit codes."""
    with tempfile.TemporaryFile() as said:
        others = _lane(*OTHERS, stdout=said, stderr=subprocess.STDOUT)
        nation = _lane(*NATION)
        try:
            codes = [nation.wait(), others.wait()]
        except KeyboardInterrupt:
            codes = [nation.wait(), others.wait()]  # they were interrupted too
        said.seek(0)
        sys.stdout.buffer.write(said.read())
    return max(codes, key=abs)


def _lane(*chosen: str, **output: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "pytest", *chosen], **output)  # type: ignore[call-overload,no-any-return]


if __name__ == "__main__":
    sys.exit(main())
