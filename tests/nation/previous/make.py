"""Make the archives of an installation of an earlier version, with one case that is done and one in flight.

``python tests/nation/previous/make.py COMMIT`` (from the root, with the whole history): the commit's own code starts a
nation and plays in it, this version's ``onedoor backup`` copies it, whose dump keeps the tables as that code made them.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PLAY = """
import json, sys
from pathlib import Path
from tests.nation import running
from tests.nation.patient import PatientStory
running.PEOPLE = 40
nation = running.Running(Path(sys.argv[1]), running.free_base(), running.NATION)
nation.start()
done, flying = (PatientStory(nation.places, nation.var.parent / name) for name in ("done", "flying"))
done.play()
flying.declare(*flying.give_birth())
running.wait_for(lambda: any(one["state"] == "working" for one in flying.case()["steps"]), "no step begins")
told = {"done": done.told.case, "flying": flying.told.case, "results": [one.kind for one in done.told.results]}
nation.stop()
print(json.dumps(told))
"""


def main(commit: str) -> None:
    """Make the archives and the note of what is in them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, var = folder / "source", folder / "var"
        source.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
        subprocess.run(["tar", "-czf", HERE / "nation.tar.gz", "-C", source / "nations", "vietnam"], check=True)
        for texts in source.glob("src/onedoor/*/locale"):
            babel = [sys.executable, "-m", "babel.messages.frontend", "-q", "compile", "-D", "django"]
            subprocess.run([*babel, "-d", texts], check=True)
        own = {k: v for k, v in os.environ.items() if not k.startswith("ONEDOOR_")}
        own["PYTHONPATH"] = f"{source / 'src'}:{source}"
        done = subprocess.run([sys.executable, "-c", PLAY, var], cwd=source, env=own, check=True, capture_output=True)
        told = json.loads(done.stdout.splitlines()[-1]) | {"commit": commit}
        places = ("--data", str(HERE / "data.tar.gz"), "--keys", str(HERE / "keys" / "keys.tar.gz"))
        subprocess.run([sys.executable, "-m", "onedoor.site", "backup", "--var", var, *places], cwd=ROOT, check=True)
        (HERE / "told.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
