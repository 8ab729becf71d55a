"""Runs every test but the long counts in three lanes at once: those of the whole, which start nations; those of
the exchange, which mostly wait; those of the other rooms.

``python -m tests.lanes`` shows the first lane as it goes and the others when all are done; it ends 0 if all do.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack

EXCHANGE = "src/onedoor/exchange"
FIRST = ("tests",)
OTHERS = ((EXCHANGE,), ("src", f"--ignore={EXCHANGE}"))


def main() -> int:
    """Run the lanes; return the worst of their exit codes."""
    with ExitStack() as stack:
        told = [stack.enter_context(tempfile.TemporaryFile()) for _ in OTHERS]
        lanes = [_lane(*one, stdout=said, stderr=subprocess.STDOUT) for one, said in zip(OTHERS, told, strict=True)]
        lanes.insert(0, _lane(*FIRST))
        try:
            codes = [one.wait() for one in lanes]
        except KeyboardInterrupt:
            codes = [one.wait() for one in lanes]  # they were interrupted too
        for said in told:
            said.seek(0)
            sys.stdout.buffer.write(said.read())
    return max(codes, key=abs)


def _lane(*chosen: str, **output: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "pytest", "-m", "not soak", "--durations=12", *chosen], **output)  # type: ignore[call-overload,no-any-return]


if __name__ == "__main__":
    sys.exit(main())
