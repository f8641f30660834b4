"""What one would write without the app: scripts on Microsoft's client, and the storage operations nobody can avoid.

a  one document in each job, as the README of the client shows it
b  25 documents in a job, one job after the other
c  25 documents in a job, 16 jobs at a time, a poll every 0.1 s
d  the floor: for each document a message sent, received and deleted, a text read, a record written; by 8 + 8 threads.
   With the trigger's operations: the host's own message for each event, sent, received and deleted, and its HEAD.

None of them survives a crash. The floor runs in a process of its own, as the app does: `python -m bench.scripts`.
"""

from __future__ import annotations

import argparse
import json
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.ai.textanalytics import TextAnalyticsClient
from azure.core.credentials import AzureKeyCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from bench.figures import cpu_seconds
from local.stack import Stack
from shared.documents.messages import DocumentMessage
from shared.documents.ref import MAX_DOCUMENTS_PER_JOB, DocumentRef
from shared.services import utc_now
from shared.storage.blobs import AzureBlobStore
from shared.storage.ports import QueuedMessage
from shared.storage.queues import AzureMessageQueue
from shared.storage.transport import PooledTransport

IN_FLIGHT = 16
THREADS = 8
RECEIVED, EMPTY_SECONDS = 16, 0.05
SCRIPTED, FLOOR = "scripted", "floor"


@dataclass(frozen=True)
class Script:
    """A client of the service and of storage; `classify` reads the texts, classifies them and writes the answers."""

    stack: Stack

    def classify(self, names: Sequence[str], *, per_job: int, in_flight: int, poll_seconds: float | None) -> float:
        """Seconds from the first read to the last write."""
        settings = self.stack.settings
        key = settings.language_key.get_secret_value() if settings.language_key else ""
        options: dict[str, Any] = {} if poll_seconds is None else {"polling_interval": poll_seconds}
        client = TextAnalyticsClient(self.stack.emulator_url, AzureKeyCredential(key))
        documents, answers = self.stack.container(settings.documents_container), self.stack.container(SCRIPTED)
        answers.ensure()

        def job(batch: Sequence[str]) -> None:
            inputs = [documents.read(name).data.decode(errors="replace") for name in batch]
            poller = client.begin_multi_label_classify(
                inputs, project_name=settings.language_project, deployment_name=settings.language_deployment, **options
            )
            for name, answer in zip(batch, poller.result(), strict=True):
                answers.put(f"{name}.json", json.dumps([each.category for each in answer.classifications]).encode())

        begun = time.monotonic()
        with client, ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(job, (names[start : start + per_job] for start in range(0, len(names), per_job))))
        return time.monotonic() - begun


SCRIPTS: dict[str, dict[str, Any]] = {
    "a": {"per_job": 1, "in_flight": 1, "poll_seconds": None},
    "b": {"per_job": MAX_DOCUMENTS_PER_JOB, "in_flight": 1, "poll_seconds": None},
    "c": {"per_job": MAX_DOCUMENTS_PER_JOB, "in_flight": IN_FLIGHT, "poll_seconds": 0.1},
}


def run_floor(stack: Stack, contents: Sequence[bytes], *, with_trigger: bool) -> tuple[float, float]:
    """Seconds from the first upload, and CPU seconds of the process that did the operations."""
    command = [sys.executable, "-m", "bench.scripts", "--documents", str(len(contents))]
    command += ["--with-trigger"] if with_trigger else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stack.azurite.connection_string + "\n")
        process.stdin.flush()
        process.stdout.readline()  # it is ready
        used, begun = cpu_seconds(process.pid), time.monotonic()
        _upload(stack, contents, process.stdin.write, process.stdin.flush)
        process.stdin.close()
        process.stdout.readline()  # all records are there
        seconds, used = time.monotonic() - begun, cpu_seconds(process.pid) - used
    return seconds, used


def _upload(stack: Stack, contents: Sequence[bytes], write: Callable[[str], Any], flush: Callable[[], Any]) -> None:
    documents, lock = stack.container(stack.settings.documents_container), threading.Lock()

    def upload(numbered: tuple[int, bytes]) -> None:
        name = f"floor-{numbered[0]:06}.txt"
        documents.put(name, numbered[1])
        with lock:
            write(name + "\n")
            flush()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(upload, enumerate(contents)))


@dataclass
class Floor:
    documents: AzureBlobStore
    records: AzureBlobStore
    messages: AzureMessageQueue
    trigger: AzureMessageQueue | None
    wanted: int
    written: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()

    def run(self, names: Iterable[str]) -> None:
        uploaded: queue.SimpleQueue[str] = queue.SimpleQueue()
        workers = [threading.Thread(target=self._accept, args=(uploaded,)) for _ in range(THREADS)]
        workers += [threading.Thread(target=self._trigger) for _ in range(THREADS if self.trigger else 0)]
        workers += [threading.Thread(target=self._classify) for _ in range(THREADS)]
        for worker in workers:
            worker.start()
        for name in names:
            uploaded.put(name)
        self._done.wait()
        for _ in range(THREADS):
            uploaded.put("")
        for worker in workers:
            worker.join()

    def _accept(self, uploaded: queue.SimpleQueue[str]) -> None:
        while name := uploaded.get():
            (self.trigger or self.messages).send(_message(name))

    def _trigger(self) -> None:
        assert self.trigger is not None
        while not self._done.is_set():
            for received in _receive(self.trigger):
                name = _name(received.text)
                self.documents.find(name)
                self.messages.send(_message(name))
                self.trigger.delete(received)

    def _classify(self) -> None:
        while not self._done.is_set():
            for received in _receive(self.messages):
                name = _name(received.text)
                data = self.documents.read(name).data
                self.records.create(f"{name}.json", data[:500])
                self.messages.delete(received)
                with self._lock:
                    self.written += 1
                    if self.written == self.wanted:
                        self._done.set()


def _receive(messages: AzureMessageQueue) -> list[QueuedMessage]:
    """Few enough that the last ones are shared between the threads; a pause where nothing is, for Azurite's sake."""
    received = messages.receive(RECEIVED, visibility=timedelta(minutes=10))
    if not received:
        time.sleep(EMPTY_SECONDS)
    return received


def _message(name: str) -> DocumentMessage:
    return DocumentMessage(
        container="documents", document=DocumentRef(name=name, etag='"0x1"', last_modified=utc_now(), size=1)
    )


def _name(text: str | None) -> str:
    return str(json.loads(text or "{}")["document"]["name"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--with-trigger", action="store_true")
    arguments = parser.parse_args()
    connection, transport = sys.stdin.readline().strip(), PooledTransport()
    blobs = BlobServiceClient.from_connection_string(connection, transport=transport)
    queues = QueueServiceClient.from_connection_string(connection, transport=transport)
    name = f"{FLOOR}-{secrets.token_hex(4)}"  # its records are created, so each run has a container of its own
    floor = Floor(
        AzureBlobStore(blobs.get_container_client("documents")),
        AzureBlobStore(blobs.get_container_client(name)),
        AzureMessageQueue(queues.get_queue_client(name)),
        AzureMessageQueue(queues.get_queue_client(f"{name}-trigger")) if arguments.with_trigger else None,
        wanted=arguments.documents,
    )
    for store in (floor.records, floor.messages, floor.trigger):
        if store is not None:
            store.ensure()
    print("ready", flush=True)
    floor.run(line.strip() for line in sys.stdin)
    print("done", flush=True)
    transport.close()
    sys.stdin.close()


if __name__ == "__main__":
    main()
