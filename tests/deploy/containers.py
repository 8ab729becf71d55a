"""A small builder of container files on this computer, for where no container engine runs.

Its images are layers of an overlay above this computer's own files, which take the place of the base image; each step
runs in a ``chroot`` there, in a mount namespace of its own. Run as a script it does so: ``containers.py FOLDER``.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "container" / "Containerfile"
INSTRUCTIONS = {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED = ("PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Of this computer's environment: how packages are reached."""


@dataclass
class Step:
    name: str
    text: str

    def words(self) -> list[str]:
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)


@dataclass
class Stage:
    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def last(self, name: str) -> Step:
        return [one for one in self.steps if one.name == name][-1]

    def environment(self) -> dict[str, str]:
        return dict(one.text.split("=", 1) for one in self.steps if one.name == "ENV")


def parsed(text: str) -> list[Stage]:
    """Return the stages of a container file; refuse an instruction that is not known."""
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        if name not in INSTRUCTIONS:
            raise ValueError(f"unknown instruction: {line}")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(alias, base))
        else:
            stages[-1].steps.append(Step(name, rest.strip()))
    return stages


def build(folder: Path) -> Path:
    """Run every step of the file; return the root of the last image. Mounts vanish with this mount namespace."""
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    images: dict[str, Path] = {}
    image = folder
    for number, stage in enumerate(parsed(FILE.read_text())):
        image = _layer(folder / str(number))
        images[stage.name] = image
        place = Path("/")
        for step in stage.steps:
            if step.name == "WORKDIR":
                place = Path(step.text)
                (image / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif step.name == "COPY":
                _copy(image, place, step, images)
            elif step.name == "RUN":
                run(image, ["/bin/sh", "-c", step.text], place, {})
    return image


def _layer(folder: Path) -> Path:
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    options = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, folder / "root"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", folder / "root" / "proc"], check=True)
    subprocess.run(["mount", "--rbind", "/dev", folder / "root" / "dev"], check=True)
    return folder / "root"


def _copy(image: Path, place: Path, step: Step, images: dict[str, Path]) -> None:
    words = step.words()
    source = images[words.pop(0).partition("=")[2]] if words[0].startswith("--from=") else ROOT
    *names, to = words
    for name in names:
        found, target = source / name.lstrip("/"), image / str(place / to).lstrip("/")
        if found.is_dir():
            shutil.copytree(
                found, target, symlinks=True, dirs_exist_ok=True, ignore=_ignored if source is ROOT else None
            )
        else:
            target = target / found.name if to.endswith("/") else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, target)


def _ignored(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or name.endswith((".egg-info", ".mo"))}


def run(
    image: Path, command: list[str], place: Path, environment: dict[str, str], user: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run *command* in *image*; a step without a user must end well."""
    own = {name: value for name, value in os.environ.items() if name.startswith(PASSED)}
    who = [f"--userspec={user}", "--groups="] if user else []
    inside = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(place), *command]
    return subprocess.run(
        ["chroot", *who, image, *inside], env=own | {"PATH": PATH, "HOME": "/root"} | environment,
        check=not user, text=True, stdout=subprocess.PIPE if user else None, stderr=subprocess.STDOUT if user else None,
    )  # fmt: skip


def main(folder: Path) -> None:
    """Build, then run the image as its file says, with each of the arguments below; print what was said."""
    image = build(folder)
    stage = parsed(FILE.read_text())[-1]
    start, user = stage.last("ENTRYPOINT").words(), stage.last("USER").text
    told = []
    probes = (stage.last("CMD").words(), ["nation", "check", "/opt/onedoor/nations/vietnam"], ["gateway"])
    for arguments in probes:
        done = run(image, start + arguments, Path(stage.last("WORKDIR").text), stage.environment(), user)
        told.append({"arguments": arguments, "code": done.returncode, "said": done.stdout})
    script = "id -u; touch /var/lib/onedoor/mine && echo state; touch /opt/onedoor/mine 2>/dev/null || echo closed"
    done = run(image, ["/bin/sh", "-c", script], Path("/"), {}, user)
    told.append({"arguments": ["id"], "code": done.returncode, "said": done.stdout})
    sys.stdout.write("\n" + json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
