"""A stack under load: the app in one of the hosts, as it ships, and documents that are uploaded and announced to it.

Nothing of host.json is overridden, and the polls are the shipped ones: else latencies would be those of no deployment.
Events come as Event Grid sends them, to the host's webhook, so that no scan of containers is part of a figure.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azurite_process.processes import wait_until
from bench.chaos.hosts import resident_mb
from bench.corpora import VARIABLE
from bench.figures import cpu_seconds
from cli.datasets import SAMPLES, load_dataset
from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.event_bridge import webhook_sender
from local.hosts import choose_host
from local.seed import seed
from local.settings import ROOT
from local.stack import Stack, running_stack
from shared.config import Settings

HOSTS = ("stand-in", "real")
UPLOADERS = 8
FUNCTION = "Host.Functions.accept_document"
START_SCRIPT = ROOT.parent / "shared" / "tools" / "functions-host" / "start.py"
WITHOUT_COLLECTION = Path(__file__).with_name("azurite_without_collection.cjs")
# The example settings of a laptop differ from a deployment's in these.
SHIPPED = {
    name: str(Settings.model_fields[name].default) for name in ("language_read_seconds", "pipeline_model_cache_seconds")
} | {"pipeline_poll_seconds": ",".join(f"{each:g}" for each in Settings.model_fields["pipeline_poll_seconds"].default)}


def add_host_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", choices=HOSTS, default="stand-in", help="what runs the app (default: %(default)s)")


def texts(count: int, folder: Path | None = None) -> list[bytes]:
    """Real documents, the same every time: newsgroup articles where the corpora are, else the samples over and over."""
    folder = folder or Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data") / "newsgroups"
    dataset = load_dataset(folder if folder.is_dir() else SAMPLES)
    found = [content for path in dataset.new.values() if 0 < len(content := path.read_bytes()) <= 100_000]
    return [found[number % len(found)] for number in range(count)]


@dataclass
class Load:
    """A running stack and what its processes have used. `classify` may be called again and again: each time in a
    folder of its own, so that looking for records does not cost more from time to time."""

    stack: Stack
    _folders: int = 0

    @property
    def host_group(self) -> int:
        assert self.stack.host is not None
        return self.stack.host.process.pid

    def cpu(self) -> dict[str, float]:
        """Seconds so far, by process."""
        stack = self.stack
        groups = {"host": self.host_group, "Azurite": stack.azurite.process.pid, "emulator": stack.emulator.pid}
        return {name: cpu_seconds(group) for name, group in groups.items()}

    def resident_mb(self) -> float:
        return resident_mb(self.host_group)

    def upload(self, name: str, content: bytes) -> float:
        """Upload and announce; returns the time (wall clock) of the event."""
        container = self.stack.settings.documents_container
        etag = self.stack.container(container).put(name, content)
        host = self.stack.host
        assert host is not None
        event = time.time()
        send = webhook_sender(host.url, host.blobs_key, {FUNCTION: f"{host.url}/account"})
        send(BlobTriggerMessage(FUNCTION, container, name, etag))
        return event

    def upload_all(self, contents: Sequence[bytes], folder: str) -> None:
        """By 8 threads."""
        with ThreadPoolExecutor(UPLOADERS) as pool:
            list(pool.map(lambda each: self.upload(f"{folder}{each[0]:06}.txt", each[1]), enumerate(contents)))

    def records(self, folder: str = "") -> int:
        return sum(1 for _ in self.stack.container(self.stack.settings.classifications_container).list(folder))

    def classify(self, contents: Sequence[bytes], *, seconds: float = 300) -> float:
        """Upload and wait for as many records; returns the seconds from the first upload."""
        self._folders += 1
        folder = f"{self._folders:04}/"
        begun = time.monotonic()
        ended: list[float] = []
        uploading = threading.Thread(target=self.upload_all, args=(contents, folder))
        uploading.start()

        def all_there() -> bool:
            if self.records(folder) < len(contents):
                return False
            ended.append(time.monotonic())
            return True

        wait_until(all_there, seconds=seconds, what=f"{len(contents)} records", poll_seconds=0.25)
        uploading.join()
        wait_until(lambda: not self.open_batches(), seconds=60, what="the last batches to close")
        return ended[0] - begun

    def open_batches(self) -> bool:
        state = self.stack.container(self.stack.settings.pipeline_container)
        return next(iter(state.list("batches/open/")), None) is not None

    def log_lines(self) -> list[str]:
        """What Azurite was asked, until now."""
        return self.stack.azurite.process.log_text().splitlines()


@contextmanager
def running_load(
    host: str,
    *,
    service: str = "immediate",
    language_api: str = "2023-04-01",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Load]:
    """The stack with a trained model. `service` is how long the emulator says that a classification job takes;
    `settings` are the app's, by lower-case name, that differ from a deployment's."""
    if host == "real" and START_SCRIPT.is_file():
        os.environ.setdefault("FUNCTIONS_HOST", str(START_SCRIPT))
    os.environ.setdefault("NODE_OPTIONS", f"--require={WITHOUT_COLLECTION}")
    changes = SHIPPED | {"language_api": language_api, "functions_host_emulate_event_grid": "0"} | dict(settings or {})
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running_stack(
            Path(folder),
            emulator_flags={"analysis": service},
            changes=changes,
            starter=choose_host(host),
            with_host=False,
        ) as stack,
    ):
        seed(stack.services, load_dataset(SAMPLES))
        started = stack.start_host()
        if started.bridge is not None:
            started.bridge.stop()
        load = Load(stack)
        load.classify(texts(25))  # a host that has just started is another thing: `coldstart` measures it
        yield load
