"""The host as a child process: for end-to-end tests, and for `python -m local up`.

The child's environment is given, not inherited: what a developer happens to export must not change a test.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions_host.server import READY
from functions_host.timings import VARIABLE, HostTimings
from azurite_process.processes import ManagedProcess, ProcessFailedError

REPOSITORY = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT", "VIRTUAL_ENV", "SSL_CERT_FILE")
_KEYS = ("FUNCTIONS_HOST_MASTER_KEY", "FUNCTIONS_HOST_FUNCTION_KEY", "FUNCTIONS_HOST_BLOBS_KEY")
_READY_LINE = re.compile(rf"^{READY}(?P<url>\S+) \((?P<count>\d+) functions\)$", re.MULTILINE)


@dataclass(frozen=True)
class HostHandle:
    """A running host. Its output is in `process.log_path`."""

    url: str
    master_key: str
    function_key: str
    blobs_key: str
    process: ManagedProcess

    def stop(self) -> None:
        """SIGTERM: running invocations finish."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL: what a crash of the machine would leave."""
        self.process.kill()


def start_host(
    app_folder: Path,
    settings: Mapping[str, str],
    *,
    folder: Path,
    timings: HostTimings | None = None,
    port: int = 0,
) -> HostHandle:
    """Start the host and wait until it serves. `folder` holds its log and keys: pass it again to restart the same host.

    `settings` are the app's, and the variables of faults.py. Raises ProcessFailedError with the end of the log.
    """
    log_path = folder / "functions_host.log"
    already_logged = log_path.stat().st_size if log_path.exists() else 0
    keys = {name: settings.get(name) or _stored_key(folder, name) for name in _KEYS}
    environment = {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        **({VARIABLE: timings.to_json()} if timings else {}),
        **settings,
        **keys,
    }
    argv = [sys.executable, "-m", "functions_host", "--app", str(app_folder), "--port", str(port)]
    # Not the developer's own local.settings.json in the app's folder either.
    argv += ["--data", str(folder / "data"), "--settings", str(folder / "local.settings.json")]
    process = ManagedProcess("functions host", argv, log_path, environment).start()
    master, function, blobs = (keys[name] for name in _KEYS)
    return HostHandle(_wait_started(process, already_logged), master, function, blobs, process)


def _wait_started(process: ManagedProcess, already_logged: int) -> str:
    """The address in the ready line; a host that was told to crash may have ended by the time it is read."""
    url: str | None = None

    def is_ready() -> bool:
        nonlocal url
        url = _find_url(process.log_path, already_logged)
        return url is not None

    try:
        process.wait_ready(is_ready)
    except BaseException as error:
        process.stop()
        if not is_ready() or not isinstance(error, ProcessFailedError):
            raise
    assert url is not None
    return url


def _find_url(log_path: Path, start: int) -> str | None:
    with log_path.open("rb") as log:
        log.seek(start)
        match = _READY_LINE.search(log.read().decode(errors="replace"))
    return match["url"] if match else None


@contextmanager
def running_host(
    app_dir: Path,
    settings: Mapping[str, str],
    timings: HostTimings | None = None,
    *,
    folder: Path | None = None,
    port: int = 0,
) -> Iterator[HostHandle]:
    """A running host, stopped at the end of the block. Without `folder` it leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="functions-host-") as temporary:
        handle = start_host(app_dir, settings, folder=folder or Path(temporary), timings=timings, port=port)
        try:
            yield handle
        finally:
            handle.stop()


def _stored_key(folder: Path, name: str) -> str:
    """The same key for every start in the same folder."""
    path = folder / "handle" / name.lower()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    return path.read_text(encoding="utf-8")
