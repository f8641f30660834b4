"""Starts a host as a process: the stand-in, or Microsoft's own, which judges it.

The child's environment is given, not inherited: what a developer happens to export must not change a test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from azurite_process.processes import (
    STOP_SECONDS,
    ManagedProcess,
    ProcessFailedError,
    start_on_free_port,
    wait_until,
)
from functions_host.server import READY
from functions_host.timings import VARIABLE, HostTimings

STAND_IN, REAL = "stand-in", "real"
START_SCRIPT = "FUNCTIONS_HOST"
"""Names the script that starts Microsoft's host: `python SCRIPT APP --python PYTHON --port PORT`."""
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT", "VIRTUAL_ENV", "SSL_CERT_FILE")
_KEYS = ("FUNCTIONS_HOST_MASTER_KEY", "FUNCTIONS_HOST_FUNCTION_KEY", "FUNCTIONS_HOST_BLOBS_KEY")
_READY_LINE = re.compile(rf"^{READY}(?P<url>\S+) \(\d+ functions\)$", re.MULTILINE)
_REAL_SECONDS = 120.0


@dataclass(frozen=True)
class RunningHost:
    """Its output is in `process.log_path`."""

    url: str
    master_key: str
    function_key: str
    blobs_key: str
    process: ManagedProcess
    bridge: ManagedProcess | None = None

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


def start_stand_in(
    app: Path, settings: Mapping[str, str], *, folder: Path, timings: HostTimings | None = None
) -> RunningHost:
    """`folder` holds its log and keys: pass it again to restart the same host. Waits until it serves.

    Raises ProcessFailedError with the end of the log.
    """
    log = folder / "functions_host.log"
    already_logged = log.stat().st_size if log.exists() else 0
    master, function, blobs = keys = [_stored_key(folder, name) for name in _KEYS]
    environment = _inherited() | ({VARIABLE: timings.to_json()} if timings else {}) | dict(settings)
    environment |= dict(zip(_KEYS, keys, strict=True))
    argv = [sys.executable, "-m", "functions_host", "--app", str(app), "--port", "0"]
    # Not the developer's own local.settings.json in the app's folder.
    argv += ["--data", str(folder / "data"), "--settings", str(folder / "local.settings.json")]
    process = ManagedProcess("functions host", argv, log, environment).start()
    return RunningHost(_wait_started(process, already_logged), master, function, blobs, process)


def _wait_started(process: ManagedProcess, already_logged: int) -> str:
    """The address in the ready line; a host that was told to crash may have ended by the time it is read."""

    def find() -> str | None:
        match = _READY_LINE.search(process.log_path.read_bytes()[already_logged:].decode(errors="replace"))
        return match["url"] if match else None

    try:
        process.wait_ready(lambda: find() is not None)
    except BaseException as error:
        process.stop()
        if not isinstance(error, ProcessFailedError) or find() is None:
            raise
    return find() or ""


def start_real(
    script: Path, app: Path, settings: Mapping[str, str], *, folder: Path, with_bridge: bool = True
) -> RunningHost:
    """Microsoft's host, its keys read from its storage; `with_bridge` posts it an event for every upload.

    Waits until it says that it runs.
    """
    return start_on_free_port(lambda port: _start_real(script, app, settings, folder, port, with_bridge=with_bridge))


def _start_real(
    script: Path, app: Path, settings: Mapping[str, str], folder: Path, port: int, *, with_bridge: bool
) -> RunningHost:
    url = f"http://127.0.0.1:{port}"
    # A folder that the worker creates in the app's folder (__pycache__) would restart the host.
    environment = _inherited() | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(settings)
    argv = [sys.executable, str(script), str(app), "--python", sys.executable, "--port", str(port)]
    process = ManagedProcess("Microsoft's functions host", argv, folder / "functions_host.log", environment).start()
    keys: dict[str, str] = {}
    with BlobServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as storage:

        def is_ready() -> bool:
            keys.update(read_keys(storage, settings["AzureFunctionsWebHost__hostid"]))
            return "blobs_extension" in keys and _is_running(url, keys["master"])

        try:
            process.wait_ready(is_ready, seconds=_REAL_SECONDS)
        except BaseException:
            process.stop()
            raise
    bridge = _start_bridge(app, settings, url, keys["blobs_extension"], folder) if with_bridge else None
    return RunningHost(url, keys["master"], keys["default"], keys["blobs_extension"], process, bridge)


def _start_bridge(app: Path, settings: Mapping[str, str], url: str, key: str, folder: Path) -> ManagedProcess:
    argv = [sys.executable, "-m", "functions_host.event_bridge", "--app", str(app), "--url", url]
    timings = {VARIABLE: json.dumps({"blob_scan": 0.2}), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = _inherited() | timings | dict(settings) | {"FUNCTIONS_HOST_BLOBS_KEY": key}
    return ManagedProcess("event bridge", argv, folder / "bridge.log", environment).start()


def read_keys(storage: BlobServiceClient, host_id: str) -> dict[str, str]:
    """The host's keys by name, the master key as `master`; none while it has written none."""
    try:
        blob = storage.get_blob_client("azure-webjobs-secrets", f"{host_id}/host.json").download_blob().readall()
    except ResourceNotFoundError:
        return {}
    content = json.loads(blob)
    listed = [*content["functionKeys"], *content["systemKeys"]]
    return {"master": content["masterKey"]["value"]} | {key["name"]: key["value"] for key in listed}


def _is_running(url: str, master_key: str) -> bool:
    request = urllib.request.Request(f"{url}/admin/host/status", headers={"x-functions-key": master_key})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(json.load(answer)["state"] == "Running")
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONUNBUFFERED": "1"}


def _stored_key(folder: Path, name: str) -> str:
    """The same key for every start in the same folder."""
    path = folder / "keys" / name.lower()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    return path.read_text(encoding="utf-8")


Starter = Callable[[Path, Mapping[str, str], Path, HostTimings], RunningHost]
"""Starts a host: the app, its settings, a folder for what it writes, and timings where they can be chosen."""


def starter_of(kind: str) -> Starter:
    def stand_in(app: Path, settings: Mapping[str, str], folder: Path, timings: HostTimings) -> RunningHost:
        return start_stand_in(app, settings, folder=folder, timings=timings)

    def real(app: Path, settings: Mapping[str, str], folder: Path, _: HostTimings) -> RunningHost:
        with_bridge = settings.get("FUNCTIONS_HOST_EMULATE_EVENT_GRID") != "0"
        return start_real(Path(os.environ[START_SCRIPT]), app, settings, folder=folder, with_bridge=with_bridge)

    return real if kind == REAL else stand_in
