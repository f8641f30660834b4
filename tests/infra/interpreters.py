"""The Pythons that the template allows, and those of them that this machine has."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.infra.bicep import MAIN

RUNNING = ".".join(map(str, sys.version_info[:2]))
ALLOWED = re.findall(r"'(3\.\d+)'", re.search(r"@allowed\(([^)]*)\)\s*param pythonVersion", MAIN.read_text())[1])  # type: ignore[index]
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


@cache
def find_python(version: str) -> Path | None:
    """An interpreter that starts and is of this version: the one that runs here, on the PATH, or kept by pyenv."""
    named = shutil.which(f"python{version}")
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    candidates = [Path(sys.executable)] if version == RUNNING else [*([Path(named)] if named else []), *kept]
    return next((path for path in candidates if _is(path, version)), None)


def _is(path: Path, version: str) -> bool:
    """A pyenv shim is on the PATH for every version, and starts only those that are switched on."""
    answer = subprocess.run([str(path), "-I", "-c", _ASK], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version
