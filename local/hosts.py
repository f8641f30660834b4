"""The three hosts that can run the app, each as a process: our stand-in, Core Tools, and Microsoft's host by itself.

The environment of a host is given, not inherited: what a developer happens to export must not change a run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from azurite_process.processes import (
    STOP_SECONDS,
    ManagedProcess,
    ProcessFailedError,
    start_on_free_port,
    wait_until,
)

START_SCRIPT = "FUNCTIONS_HOST"
"""Names the script that starts Microsoft's host: `python SCRIPT APP --python PYTHON --port PORT`."""
CHOICES = ("auto", "func", "stand-in", "real")

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT", "VIRTUAL_ENV", "SSL_CERT_FILE")
_READY_LINE = re.compile(r"^Host started: (?P<url>\S+) \(\d+ functions\)$", re.MULTILINE)
_VERSION_SECONDS = 15.0
# The first start of Core Tools downloads the extension bundle, that of Microsoft's host unpacks it.
_START_SECONDS = 180.0
_DAY = 24 * 60 * 60.0
# Python's folder for compiled code, made directly in the app's folder, would restart Microsoft's host.
_NO_FOLDERS = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Host:
    """A running host. Its output is in `process.log_path`."""

    url: str
    master_key: str
    function_key: str
    blobs_key: str
    process: ManagedProcess
    bridge: ManagedProcess | None = None
    """Event Grid's part, beside a host that has none."""

    def stop(self) -> None:
        """SIGTERM: running invocations finish."""
        self._stop_bridge()
        if self.process.is_running():
            # To the host alone: its worker, a process of its group, would drop what it does.
            os.kill(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: not self.process.is_running(), seconds=STOP_SECONDS, what="the host to end")
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL: what a crash of the machine would leave."""
        self.process.kill()
        self._stop_bridge()

    def _stop_bridge(self) -> None:
        if self.bridge is not None:
            self.bridge.stop()


class HostStarter(Protocol):
    def start(self, app: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0) -> Host:
        """Start the host and wait until it serves; ProcessFailedError carries the end of its log.

        `folder` holds what the host writes: pass it again to start the same host again.
        """


def choose_host(wanted: str) -> HostStarter:
    """`auto` is Core Tools when it works and else the stand-in. Raises FileNotFoundError for what is not there."""
    if wanted == "real":
        return MicrosoftHost(find_start_script())
    tools = find_core_tools() if wanted in ("auto", "func") else None
    if wanted == "func" and tools is None:
        raise FileNotFoundError("no working `func` of Azure Functions Core Tools 4 on the PATH")
    return tools or StandIn()


def find_start_script() -> Path:
    """Raises FileNotFoundError, with the cure."""
    script = os.environ.get(START_SCRIPT)
    if not script or not Path(script).is_file():
        raise FileNotFoundError(f"{START_SCRIPT} must name the script that starts Microsoft's host, not {script!r}")
    return Path(script)


@dataclass(frozen=True)
class StandIn:
    """emulators/functions_host. `timings` by name, in seconds, as its README lists them."""

    timings: Mapping[str, float] = field(default_factory=dict)

    def start(self, app: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0) -> Host:
        log = folder / "functions_host.log"
        already_logged = log.stat().st_size if log.exists() else 0
        master, function, blobs = (_kept_key(folder, name) for name in ("master", "function", "blobs"))
        keys = {
            "FUNCTIONS_HOST_MASTER_KEY": master,
            "FUNCTIONS_HOST_FUNCTION_KEY": function,
            "FUNCTIONS_HOST_BLOBS_KEY": blobs,
        }
        timings = {"FUNCTIONS_HOST_TIMINGS": json.dumps(dict(self.timings))}
        argv = [sys.executable, "-m", "functions_host", "--app", str(app), "--port", str(port)]
        # Not the developer's own local.settings.json in the app's folder.
        argv += ["--data", str(folder / "data"), "--settings", str(folder / "local.settings.json")]
        environment = _inherited() | _NO_FOLDERS | timings | dict(settings) | keys
        process = ManagedProcess("functions host", argv, log, environment).start()
        return Host(_wait_for_address(process, already_logged), master, function, blobs, process)


def _wait_for_address(process: ManagedProcess, already_logged: int) -> str:
    """The address in the ready line; a host that was told to crash may have ended by the time it is read."""

    def find() -> str:
        match = _READY_LINE.search(process.log_path.read_bytes()[already_logged:].decode(errors="replace"))
        return match["url"] if match else ""

    try:
        process.wait_ready(lambda: bool(find()))
    except BaseException as error:
        process.stop()
        if not isinstance(error, ProcessFailedError) or not find():
            raise
    return find()


def _kept_key(folder: Path, name: str) -> str:
    """The same key for every start in the same folder."""
    path = folder / "keys" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(24))
    path.chmod(0o600)
    return path.read_text(encoding="utf-8")


def write_private(path: Path, content: str) -> None:
    """A file that nobody else on this machine can read, from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(content)


@dataclass(frozen=True)
class MicrosoftHost:
    """Microsoft's own host, built from its sources. It writes its keys into its storage account."""

    script: Path
    storage: BlobServiceClient | None = None
    """Where its keys can be read, when the settings hold no connection string for it."""
    python: Path = Path(sys.executable)
    """What runs the app."""

    def start(self, app: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0) -> Host:
        return start_on_free_port(lambda free: self._start(app, settings, folder, free), port=port)

    def _start(self, app: Path, settings: Mapping[str, str], folder: Path, port: int) -> Host:
        url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, str(self.script), str(app), "--python", str(self.python), "--port", str(port)]
        environment = _inherited() | _NO_FOLDERS | dict(settings)
        log = folder / "functions_host.log"
        process = ManagedProcess("Microsoft's functions host", argv, log, environment).start()
        host_id = settings.get("AzureFunctionsWebHost__hostid", "local")
        with contextlib.ExitStack() as closing:
            storage = self.storage or closing.enter_context(
                BlobServiceClient.from_connection_string(settings["AzureWebJobsStorage"])
            )
            _wait_running(process, lambda: is_running(url, _read_keys(storage, host_id).get("master", "")))
            keys = _read_keys(storage, host_id)
        blobs_key = keys.get("blobs_extension", "")
        bridge = start_event_bridge(app, settings, url, blobs_key, folder) if blobs_key else None
        return Host(url, keys["master"], keys["default"], blobs_key, process, bridge)


def _read_keys(storage: BlobServiceClient, host_id: str) -> dict[str, str]:
    """The host's keys by name, the master key as `master`; none while it has written none."""
    try:
        stored = storage.get_blob_client("azure-webjobs-secrets", f"{host_id}/host.json").download_blob().readall()
    except AzureError:
        return {}
    content = json.loads(stored)
    named = {key["name"]: str(key["value"]) for key in [*content["functionKeys"], *content["systemKeys"]]}
    return named | {"master": str(content["masterKey"]["value"])}


@dataclass(frozen=True)
class CoreTools:
    """`func`. It asks for no keys, so those of its Host are empty."""

    path: Path
    version: str

    def start(self, app: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0) -> Host:
        return start_on_free_port(lambda free: self._start(app, settings, folder, free), port=port)

    def _start(self, app: Path, settings: Mapping[str, str], folder: Path, port: int) -> Host:
        url = f"http://127.0.0.1:{port}"
        # --python: without a local.settings.json it could not tell the language.
        argv = [str(self.path), "start", "--python", "--port", str(port)]
        interpreter = Path(sys.executable).parent
        environment = {
            **os.environ,
            **_NO_FOLDERS,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
            "VIRTUAL_ENV": str(interpreter.parent),
            "PATH": f"{interpreter}{os.pathsep}{os.environ.get('PATH', '')}",
            **settings,
        }
        process = ManagedProcess("func", argv, folder / "func.log", environment, cwd=app).start()
        _wait_running(process, lambda: is_running(url))
        return Host(url, "", "", "", process, start_event_bridge(app, settings, url, "", folder))


@dataclass(frozen=True)
class HostElsewhere:
    """A host that somebody else starts, an editor for instance, with the settings that are written for it here.

    `announce` says what to do. Core Tools ask for no keys, so those of its Host are empty, and it is not stopped with
    the rest: its `process` is the one that brings it the events.
    """

    settings_file: Path
    announce: Callable[[str], None]

    def start(self, app: Path, settings: Mapping[str, str], *, folder: Path, port: int = 0) -> Host:
        """Waits for the host for a day: a person starts it."""
        if not port:
            raise ValueError("a host that is started elsewhere needs a port that is known")
        write_settings(self.settings_file, settings, port=port)
        url = f"http://127.0.0.1:{port}"
        self.announce(url)
        wait_until(lambda: is_running(url), seconds=_DAY, what=f"a functions host at {url}", poll_seconds=1)
        bridge = start_event_bridge(app, settings, url, "", folder)
        if bridge is None:
            raise ValueError(
                "FUNCTIONS_HOST_EMULATE_EVENT_GRID=0 leaves a host that is started elsewhere without events"
            )
        return Host(url, "", "", "", bridge)


def write_settings(path: Path, settings: Mapping[str, str], *, port: int) -> None:
    """local.settings.json for Core Tools. What it holds already and this run does not give stays as it is.

    Raises ValueError for a file that cannot be read: it may be somebody's work.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        values, host = dict(content.get("Values", {})), dict(content.get("Host", {}))
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is no settings file of Core Tools; move it away") from error
    content |= {"IsEncrypted": False, "Values": values | dict(settings), "Host": host | {"LocalHttpPort": port}}
    write_private(path, json.dumps(content, indent=2) + "\n")


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


def start_event_bridge(
    app: Path, settings: Mapping[str, str], url: str, key: str, folder: Path
) -> ManagedProcess | None:
    """Posts the host an event for every upload, as Event Grid would; None when the settings want none."""
    if settings.get("FUNCTIONS_HOST_EMULATE_EVENT_GRID") == "0":
        return None
    argv = [sys.executable, "-m", "functions_host.event_bridge", "--app", str(app), "--url", url]
    environment = _inherited() | _NO_FOLDERS | dict(settings) | {"FUNCTIONS_HOST_BLOBS_KEY": key}
    return ManagedProcess("event bridge", argv, folder / "bridge.log", environment, cwd=app).start()


def _wait_running(process: ManagedProcess, is_ready: Callable[[], bool]) -> None:
    try:
        process.wait_ready(is_ready, seconds=_START_SECONDS)
    except BaseException:
        process.stop()
        raise


def is_running(url: str, master_key: str = "") -> bool:
    """Whether the host at `url` says of itself that it runs."""
    request = urllib.request.Request(f"{url}/admin/host/status", headers={"x-functions-key": master_key})  # noqa: S310 - our own http address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            status = json.load(answer)
    except (OSError, ValueError):
        return False
    return isinstance(status, dict) and status.get("state") == "Running"


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
