"""The real host, Azure Functions Core Tools, when `func` is installed and works.

The same app and settings run in it. It checks no keys, and it has no Event Grid: event_bridge.py takes its part.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functions_host.process import HostHandle
from azurite_process.processes import ManagedProcess, free_port

_VERSION_SECONDS = 15.0
# The first start downloads the extension bundle.
_START_SECONDS = 180.0


@dataclass(frozen=True)
class CoreTools:
    path: Path
    version: str


def find_core_tools(*, search_path: str | None = None, timeout_seconds: float = _VERSION_SECONDS) -> CoreTools | None:
    """`func` of version 4 or later on the PATH (or `search_path`), if it answers `func --version` in time."""
    found = shutil.which("func", path=search_path)
    if found is None:
        return None
    try:
        answer = subprocess.run(
            [found, "--version"],
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.stdout.strip().splitlines()[-1].strip() if answer.stdout.strip() else ""
    major = version.partition(".")[0]
    return CoreTools(Path(found), version) if major.isdigit() and int(major) >= 4 else None


def core_tools_command(tools: CoreTools, *, port: int) -> list[str]:
    # --python: without a local.settings.json it could not tell the language.
    return [str(tools.path), "start", "--python", "--port", str(port)]


def core_tools_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as local.settings.json would give them, and this interpreter as the one that func finds."""
    folder = Path(sys.executable).parent
    return {
        **os.environ,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
        "VIRTUAL_ENV": str(folder.parent),
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        **settings,
    }


def start_core_tools(
    tools: CoreTools, app_folder: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0
) -> HostHandle:
    """Start `func` and wait until its host runs. The keys of the handle are empty: Core Tools asks for none."""
    chosen = port or free_port()
    url = f"http://127.0.0.1:{chosen}"
    process = ManagedProcess(
        "func",
        core_tools_command(tools, port=chosen),
        folder / "func.log",
        core_tools_environment(settings),
        cwd=app_folder,
    ).start()
    try:
        process.wait_ready(lambda: is_running(url), seconds=_START_SECONDS)
    except BaseException:
        process.stop()
        raise
    return HostHandle(url, "", "", "", process)


def is_running(url: str) -> bool:
    """Whether the host at `url` says of itself that it runs."""
    try:
        with urllib.request.urlopen(f"{url}/admin/host/status", timeout=5) as answer:  # noqa: S310 - our own http address
            status = json.load(answer)
    except (OSError, ValueError):
        return False
    return isinstance(status, dict) and status.get("state") == "Running"
