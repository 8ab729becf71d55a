"""A ledger's file when its process is killed in the middle of writing."""

import signal
import subprocess
import sys
import time

from onedoor.kernel.ledger import FileStore, Tree, leaf_hash

WRITER = """
import sys
from itertools import count
from pathlib import Path
from onedoor.kernel.ledger import FileStore, Tree, leaf_hash
tree = Tree(FileStore(Path(sys.argv[1])))
for number in count(tree.size):
    tree.append(leaf_hash(b"%d" % number))
    print(tree.size, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path):
    path, acknowledged = tmp_path / "tree", 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            first = int(writer.stdout.readline())
            assert first == acknowledged + 1
            time.sleep(0.1)
            writer.send_signal(signal.SIGKILL)
            acknowledged = int([str(first), *writer.stdout.read().split("\n")[:-1]][-1])
        with FileStore(path) as store:
            tree = Tree(store)
            assert tree.size >= acknowledged
            expected = Tree()
            expected.extend(leaf_hash(b"%d" % number) for number in range(tree.size))
            assert tree.root() == expected.root()
            acknowledged = tree.size
    assert acknowledged > 3
