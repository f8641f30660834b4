"""Small labelled corpora with learnable classes, and their upload."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from azure.storage.blob import BlobServiceClient

TOPICS = {
    "account": "login password account reset email locked sign verify code profile",
    "billing": "invoice payment refund charge card amount receipt tax bank price",
    "delivery": "parcel courier shipping late package address tracking driver depot arrived",
}
CLASSES = sorted(TOPICS)
DOCUMENTS = {
    "account": "I forgot my password and my account is locked, please reset my login email",
    "billing": "please refund the charge on my card, the invoice amount and tax are wrong",
    "delivery": "the courier left my parcel at the depot and the tracking says it arrived late",
}


def labelled_texts(count: int, *, single_label: bool, seed: int = 7) -> list[tuple[str, list[str]]]:
    """Texts and their classes; every class occurs, in a multi-label corpus some texts have two."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    labelled = []
    for number in range(count):
        classes = [CLASSES[number % len(CLASSES)]]
        if not single_label and number % 4 == 0:
            classes.append(CLASSES[(number + 1) % len(CLASSES)])
        words = [chance.choice(TOPICS[name].split()) for name in classes for _ in range(7)]
        labelled.append((" ".join(words), sorted(classes)))
    return labelled


def july_labels(labelled: Sequence[tuple[str, Sequence[str]]], classes: Sequence[str] = CLASSES) -> dict[str, Any]:
    """The 2021-07 form, documents named `t<number>.txt` beside the labels file."""
    documents = [
        {"location": f"t{number}.txt", "culture": "en-us", "intents": [list(classes).index(name) for name in given]}
        for number, (_, given) in enumerate(labelled)
    ]
    return {"intentNames": list(classes), "documents": documents}


def upload(connection_string: str, container: str, blobs: Mapping[str, str | bytes]) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as account:
        client = account.get_container_client(container)
        if not client.exists():
            client.create_container()
        for name, content in blobs.items():
            client.upload_blob(name, content, overwrite=True)


def upload_corpus(
    connection_string: str, container: str, *, single_label: bool, count: int = 40, labels_file: str = "labels.json"
) -> None:
    labelled = labelled_texts(count, single_label=single_label)
    blobs = {f"t{number}.txt": text for number, (text, _) in enumerate(labelled)}
    upload(connection_string, container, {labels_file: json.dumps(july_labels(labelled))} | blobs)
