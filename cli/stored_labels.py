"""The labels of a project as the app keeps them, and the labelled documents' texts."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cli.storage import UserStorage
from cli.target import Target
from shared.json_input import parse_json
from shared.language.authoring_values import LabelledDocument
from shared.models.labels import parse_labels
from shared.models.labels_file import LabelsFile
from shared.reviews.decision import DECIDED, ListedDecision, newest_labels

THREADS = 16


def read_labels(storage: UserStorage, target: Target, project: dict[str, Any]) -> LabelsFile:
    """Those that were put last, else the file in the training container; without documents where there are none."""
    kept = storage.read(target.pipeline, f"labels/{quote(project['name'], safe='')}.json")
    data = kept or storage.read(project["container"], project.get("labels_file") or "labels.json")
    return parse_labels(parse_json(data)) if data else LabelsFile()


def count_reviewed(storage: UserStorage, target: Target, project: dict[str, Any]) -> int:
    """Decisions of people that the next retraining adds to the labels."""
    blobs = storage.list_blobs(target.pipeline, DECIDED, metadata=True)
    listed = (ListedDecision.read(blob.name, blob.metadata) for blob in blobs)
    labels = [each for each in listed if each is not None and each.is_label_of(project["name"])]
    created = project.get("created")
    return len(newest_labels(labels, created=datetime.fromisoformat(created) if created else None))


def read_texts(storage: UserStorage, container: str, documents: Iterable[LabelledDocument]) -> list[str | None]:
    """In their order; None where the document is gone. What is not UTF-8 is read as far as it goes."""

    def read(document: LabelledDocument) -> str | None:
        data = storage.read(container, document.location)
        return None if data is None else data.decode("utf-8-sig", errors="replace")

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(read, documents))
