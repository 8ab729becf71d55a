"""Files of settings, as systemd reads them: a name and a value on each line."""

from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """Return the settings in the file at *path*."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    parted = (line.partition("=") for line in lines if line and line[0] not in "#;")
    return {key.strip(): _unquoted(value.strip()) for key, _is, value in parted}


def beside(state: Path) -> Path:
    """Return where the settings of the process in *state* lie that ``onedoor gateway init`` wrote."""
    return state.with_name(f"{state.name}.env")


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
