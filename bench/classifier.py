"""The emulator's classifier on real corpora, through the emulator's HTTP API, against an Azurite of its own.

For each corpus: upload the labelled documents and the labels file, create a project, train, publish, classify unseen
documents in batches of 25 and compare with their true classes. The service trains on 80 % of what it is given; so does
this. Nothing of the truth of the unseen documents reaches the service.

Expected calibration error: ten equal bins of confidence; in each the gap between mean confidence and accuracy, weighted
by size. Single label: one pair for each document, its answered class. Multi label: one pair for each class the API
answered. The API shows no class below its label's threshold, so those pairs are not in the figure; they have small
probabilities and small gaps, and counting them would make the figure look better, not worse.

Six further corpora are made here, one for each language that puts no spaces between words (bench/corpora.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import running_azurite
from azurite_process.processes import wait_until
from bench.corpora import corpora_folder, write_names
from bench.report import Gate, report
from language_emulator.server import running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.names import LANGUAGES

NAME = "classifier"
HELP = "accuracy, calibration and speed of the emulator's classifier on real corpora"

AUTHORING = "/language/text/authoring/v1.0-preview.2"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"
BATCH = 25
CHARACTERS = 125_000
BINS = 10
UPLOADERS = 8
MODEL = "bench"


@dataclass(frozen=True)
class Corpus:
    """A folder of the corpora: `train/`, `labels.json`, `new/` and `expected.json`."""

    name: str
    kind: str
    tasks_key: str
    folder: Path
    least_accuracy: float = 0.71


@dataclass(frozen=True)
class Answers:
    """The service's answers for unseen documents beside the truth; confidences by class."""

    classes: list[str]
    answered: list[dict[str, float]]
    true: list[set[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of the corpora (default: $PIGEONHOLE_CORPORA)")
    parser.add_argument("--train", type=int, help="use only the first N labelled documents, shuffled by name")


def run(arguments: argparse.Namespace) -> bool:
    data = arguments.data or corpora_folder()
    corpora: tuple[Corpus, ...] = (
        Corpus("newsgroups", "SingleClassification", "customClassificationTasks", data / "newsgroups"),
        Corpus("packages", "MultiClassification", "customMultiClassificationTasks", data / "packages"),
    )
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="names-") as made, running_azurite() as azurite:
        corpora += tuple(names_corpus(language, Path(made)) for language in LANGUAGES)
        storage = azurite.connection_string
        with running_emulator(EmulatorSettings(storage=storage)) as emulator:
            headers = {"Ocp-Apim-Subscription-Key": emulator.settings.key}
            with httpx.Client(base_url=emulator.url, headers=headers, timeout=120) as client:
                for corpus in corpora:
                    measured = measure(corpus, client, storage, arguments.train)
                    details[corpus.name] = measured
                    gates += corpus_gates(corpus, measured)
    return report(NAME, gates, details)


def names_corpus(language: str, folder: Path) -> Corpus:
    """Texts without spaces; words alone score 0.20 (Chinese, Japanese, which could not be trained) to 0.64 (Thai)."""
    name = f"names{language.partition('_')[0]}"
    write_names(folder / name, language)
    return Corpus(name, "SingleClassification", "customClassificationTasks", folder / name, least_accuracy=0.8)


def corpus_gates(corpus: Corpus, measured: dict[str, Any]) -> list[Gate]:
    if corpus.kind == "SingleClassification":
        quality = [Gate(f"{corpus.name} accuracy", measured["accuracy"], corpus.least_accuracy)]
    else:
        quality = [
            Gate(f"{corpus.name} micro-F1", measured["micro_f1"], 0.62),
            Gate(f"{corpus.name} macro-F1", measured["macro_f1"], 0.57),
        ]
    return [
        *quality,
        Gate(f"{corpus.name} expected calibration error", measured["calibration_error"], 0.07, at_most=True),
        Gate(f"{corpus.name} training, s", measured["training_seconds"], 30, at_most=True),
        Gate(f"{corpus.name} 25 documents, median ms", measured["batch_ms_median"], 60, at_most=True),
        Gate(f"{corpus.name} 25 documents, 95th percentile ms", measured["batch_ms_p95"], 60, at_most=True),
    ]


def measure(corpus: Corpus, client: httpx.Client, storage: str, limit: int | None) -> dict[str, Any]:
    labels = upload(corpus, storage, limit)
    seconds = train(corpus, client)
    model_id = publish(corpus, client)
    client.delete("/_emulator/classifier").raise_for_status()
    answers = classify(corpus, client, model_id, labels["intentNames"])
    calls = client.get("/_emulator/classifier").json()["calls"]
    # The last call of a corpus is smaller when its documents do not fill it.
    times = sorted(call["milliseconds"] for call in calls if call["documents"] == BATCH)
    return {
        "documents_labelled": len(labels["documents"]),
        "documents_classified": len(answers.true),
        "training_seconds": seconds,
        "batch_ms_median": statistics.median(times),
        "batch_ms_p95": times[int(len(times) * 0.95)],
        "batch_ms_worst": times[-1],
        "calibration_error": calibration_error(answers),
        **quality(answers),
    }


def upload(corpus: Corpus, storage: str, limit: int | None) -> dict[str, Any]:
    labels: dict[str, Any] = json.loads((corpus.folder / "labels.json").read_text(encoding="utf-8"))
    if limit is not None:
        labels["documents"] = shuffled(labels["documents"])[:limit]
    with BlobServiceClient.from_connection_string(storage) as account:
        container = account.create_container(corpus.name)
        container.upload_blob("labels.json", json.dumps(labels))
        names = [document["location"] for document in labels["documents"]]
        with ThreadPoolExecutor(UPLOADERS) as pool:
            list(pool.map(lambda name: container.upload_blob(name, (corpus.folder / name).read_bytes()), names))
    return labels


def shuffled(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The corpora are sorted by class; a stable shuffle, the same on every machine."""
    return sorted(documents, key=lambda document: hashlib.sha256(document["location"].encode()).digest())


def train(corpus: Corpus, client: httpx.Client) -> float:
    """Create and train; the classifier's own seconds as the emulator measured them."""
    project = {
        "name": corpus.name,
        "modelType": corpus.kind,
        "culture": "en-us",
        "storageInputContainerName": corpus.name,
        "labelsLocation": "labels.json",
    }
    client.post(f"{AUTHORING}/projects", json=project).raise_for_status()
    job = start(client, f"{AUTHORING}/projects/{corpus.name}/train")
    wait_for_job(client, job)
    trainings = client.get("/_emulator/classifier").json()["trainings"]
    return float(next(entry["seconds"] for entry in trainings if entry["project"] == corpus.name))


def publish(corpus: Corpus, client: httpx.Client) -> str:
    job = start(client, f"{AUTHORING}/projects/{corpus.name}/publish")
    return str(wait_for_job(client, job)["tasks"][0]["modelId"])


def start(client: httpx.Client, path: str) -> str:
    response = client.post(path, json={"tasks": [{"trainingModelName": MODEL}]})
    response.raise_for_status()
    return response.headers["location"]


def wait_for_job(client: httpx.Client, location: str) -> dict[str, Any]:
    body: dict[str, Any] = {}

    def has_ended() -> bool:
        nonlocal body
        body = client.get(location).raise_for_status().json()
        return body["status"] not in {"notStarted", "inProgress"}

    wait_until(has_ended, seconds=120, what=location, poll_seconds=0.1)
    if body["status"] != "succeeded":
        raise RuntimeError(f"{location} ended as {body['status']}: {body['errors']}")
    return body


def classify(corpus: Corpus, client: httpx.Client, model_id: str, classes: list[str]) -> Answers:
    expected: dict[str, list[str]] = json.loads((corpus.folder / "expected.json").read_text(encoding="utf-8"))
    # A document the service reports as an error stays here without classes, and counts as wrong.
    answered: dict[str, dict[str, float]] = {name: {} for name in expected}
    texts = {name: read_text(corpus.folder / "new" / name) for name in expected}
    for documents in batches(texts):
        for document in classify_batch(client, corpus.tasks_key, model_id, documents):
            answered[document["id"]] = {entry["category"]: entry["confidenceScore"] for entry in document["classes"]}
    return Answers(classes, list(answered.values()), [set(classes) for classes in expected.values()])


def classify_batch(
    client: httpx.Client, tasks_key: str, model_id: str, documents: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    body = {
        "displayName": NAME,
        "analysisInput": {"documents": documents},
        "tasks": {tasks_key: [{"parameters": {"modelId": model_id, "stringIndexType": "TextElements_v8"}}]},
    }
    link: str | None = client.post(ANALYZE, json=body).raise_for_status().headers["operation-location"]
    while link is not None:
        job = client.get(link).raise_for_status().json()
        yield from job["tasks"]["tasks"][tasks_key][0]["results"]["documents"]
        link = job.get("@nextLink")


def batches(texts: Mapping[str, str]) -> Iterator[list[dict[str, str]]]:
    """At most 25 documents and 125,000 characters each, in order."""
    batch: list[dict[str, str]] = []
    for name, text in texts.items():
        if len(batch) == BATCH or sum(len(document["text"]) for document in batch) + len(text) > CHARACTERS:
            yield batch
            batch = []
        batch.append({"id": name, "text": text})
    yield batch


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def quality(answers: Answers) -> dict[str, float]:
    """Accuracy counts a document right when its answered classes are exactly the true ones."""
    pairs = list(zip(answers.answered, answers.true, strict=True))
    hits, answered, true = (dict.fromkeys(answers.classes, 0) for _ in range(3))
    for given, truth in pairs:
        for name in given:
            answered[name] += 1
            hits[name] += name in truth
        for name in truth:
            true[name] += 1
    f1 = [2 * hits[name] / max(1, answered[name] + true[name]) for name in answers.classes]
    return {
        "accuracy": sum(set(given) == truth for given, truth in pairs) / len(pairs),
        "micro_f1": 2 * sum(hits.values()) / (sum(answered.values()) + sum(true.values())),
        "macro_f1": sum(f1) / len(f1),
    }


def calibration_error(answers: Answers) -> float:
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for given, truth in zip(answers.answered, answers.true, strict=True):
        for name, confidence in given.items():
            bins[min(int(confidence * BINS), BINS - 1)].append((confidence, name in truth))
    total = sum(len(entries) for entries in bins)
    gaps = (abs(sum(confidence for confidence, _ in entries) - sum(right for _, right in entries)) for entries in bins)
    return sum(gaps) / total
