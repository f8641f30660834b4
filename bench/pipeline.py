"""The pipeline on real corpora: a burst of documents through Azurite, the functions host and the emulator.

What is judged are exact counts: records, mean fill of batches, storage transactions and Language requests a document.
Seconds are printed, never judged; these machines are noisy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from azurite_process.processes import wait_until
from bench.corpora import corpora_folder
from bench.report import Gate, report
from bench.transactions import count_transactions
from cli.datasets import Dataset, load_dataset
from local.seed import seed
from local.stack import Stack, running_stack

NAME = "pipeline"
HELP = "fill of batches, storage transactions and Language requests of a burst of real documents"
DATA = Path(__file__).parent.parent / "local" / "samples"
UPLOADERS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        type=Path,
        action="append",
        metavar="DIR",
        help="labels.json and new/; may be repeated (default: both corpora of $PIGEONHOLE_CORPORA)",
    )
    parser.add_argument("--documents", type=int, default=1000, help="how many new documents (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=300, help="give up after so long (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    folders = arguments.dataset or [corpora_folder() / "newsgroups", corpora_folder() / "packages"]
    gates: list[Gate] = []
    for folder in folders:
        dataset = load_dataset(folder, limit=arguments.documents)
        gates += measure(folder.name, dataset, arguments.seconds)
    return report(NAME, gates, {"documents": arguments.documents, "datasets": [folder.name for folder in folders]})


def measure(name: str, dataset: Dataset, seconds: float) -> list[Gate]:
    """Seed, upload all new documents at once, wait for as many records, count."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_stack(Path(folder)) as stack:
        seed(stack.services, dataset)
        httpx.delete(f"{stack.emulator_url}/_emulator/requests").raise_for_status()
        start = len(stack.azurite.process.log_text().splitlines())
        began = time.monotonic()
        upload_new(stack, dataset)
        classifications = stack.container(stack.settings.classifications_container)
        wanted = len(dataset.new)
        wait_until(
            lambda: sum(1 for _ in classifications.list()) >= wanted,
            seconds=seconds,
            what=f"{wanted} records of {name}",
            poll_seconds=1.0,
        )
        print(f"{name}: {wanted} documents in {time.monotonic() - began:.1f} s on this machine", flush=True)
        wait_until(lambda: no_open_batches(stack), seconds=60, what="the last batches to close")
        lines = stack.azurite.process.log_text().splitlines()[start:]
        return gates_of(name, stack, lines, wanted)


def upload_new(stack: Stack, dataset: Dataset) -> None:
    documents = stack.container(stack.settings.documents_container)
    with ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(lambda each: documents.put(each[0], each[1].read_bytes()), dataset.new.items()))


def no_open_batches(stack: Stack) -> bool:
    return next(stack.container(stack.settings.pipeline_container).list("batches/open/"), None) is None


def gates_of(name: str, stack: Stack, log_lines: list[str], documents: int) -> list[Gate]:
    state = stack.container(stack.settings.pipeline_container)
    fills = [int(info.metadata["documents"]) for info in state.list("batches/closed/", metadata=True)]
    failures = sum(1 for _ in stack.container(stack.settings.failures_container).list())
    counts = count_transactions(log_lines)
    requests = httpx.get(f"{stack.emulator_url}/_emulator/requests").json()["total"]
    for caller in ("app", "host"):
        print(f"{name}: storage transactions of the {caller}: {sum(counts[caller].values())}")
        for kind, count in counts[caller].most_common():
            print(f"    {count:6}  {kind}")
    return [
        Gate(f"{name}: records", documents - failures, documents),
        Gate(f"{name}: mean fill of batches", sum(fills) / len(fills), 24.0),
        Gate(
            f"{name}: storage transactions per document, app",
            sum(counts["app"].values()) / documents,
            6.0,
            at_most=True,
        ),
        Gate(f"{name}: Language requests per document", requests / documents, 0.15, at_most=True),
    ]
