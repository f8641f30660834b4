"""Stages what ships, with tools/package.py, before azd packages and before it deploys.

azd runs `prepackage` in `azd up` and `azd package`, `predeploy` in `azd up` and `azd deploy`. In `azd up` the second
may come while azd archives what the first one staged, so a stage that is up to date is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.hooks.azure_cli import Say
from infra.hooks.failures import HookError

ROOT = Path(__file__).resolve().parent.parent.parent
STAGE = ROOT / "build" / "package"
STAMP = ROOT / "build" / "package.stamp"

# What the staged package depends on.
FOLDERS = ("functions", "shared", "tools", "web")
FILES = ("function_app.py", "host.json", "requirements.txt", "infra/main.bicep", "infra/main.parameters.json")


def run(say: Say) -> None:
    """Raises HookError when the package cannot be staged."""
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _stamp():
        say(f"{STAGE.relative_to(ROOT).as_posix()} is up to date")
        return
    STAMP.unlink(missing_ok=True)
    finished = subprocess.run([sys.executable, "-m", "tools.package"], cwd=ROOT, check=False)
    if finished.returncode != 0:
        raise HookError(
            cause=f"the package could not be staged, for the reason above (by {sys.executable})",
            mend="`make package` shows it alone; when it works, run the azd command again",
        )
    STAMP.write_text(_stamp(), encoding="utf-8")


def _stamp() -> str:
    """Of what the stage is made from and of what lies in it."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    parameters = (ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"\$\{(\w+)", parameters))):
        digest.update(f"{name}={os.environ.get(name, '')}\n".encode())
    for path in _files(STAGE):
        digest.update(f"{path.relative_to(STAGE).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from _files(ROOT / folder)
    for name in FILES:
        yield ROOT / name


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
