"""How many wrong labels `labels check` finds on real corpora, and cleanlab on the same figures.

Of each corpus's labels (a document and one of its classes) 8 % are drawn with a fixed seed, and the class is replaced
by another one that the document does not have. The queue holds as many documents as were spoiled: a share of 0.7 means
that a person who looks at the first hundred of a hundred spoiled ones finds seventy. The corpora's own mistakes, which
nobody has counted, are in the queue too and count against it.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.corpora import corpora_folder
from bench.report import Gate, report
from cli.forms.collect import Collected, read_form
from cli.forms.names import Form
from cli.forms.rows import Columns
from cli.label_check import by_cleanlab, judge, suspects
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind

NAME = "label-errors"
HELP = "wrong labels that `labels check` finds on corpora with 8 %% of the labels flipped, beside cleanlab"

CORPORA = {"newsgroups": ProjectKind.SINGLE, "packages": ProjectKind.MULTI}
SHARE = 0.08
SEED = 15
LEAST_FOUND = 0.7


@dataclass(frozen=True)
class Found:
    """The flipped documents among the first so many of a queue that is as long as they are many."""

    flipped: int
    ours: int
    cleanlabs: int
    likely: int
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of the corpora (default: $PIGEONHOLE_CORPORA)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the flips (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    data = arguments.data or corpora_folder()
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    for name, kind in CORPORA.items():
        found = measure(read_form(Form.SERVICE, data / name, Columns(), kind=kind), arguments.seed)
        gates.append(Gate(f"{name} flips found by labels check", found.ours / found.flipped, LEAST_FOUND))
        details |= {
            f"{name} flips found by cleanlab on the same figures": found.cleanlabs / found.flipped,
            f"{name} flipped documents": found.flipped,
            f"{name} labels said to be likely wrong": found.likely,
            f"{name} seconds": found.seconds,
        }
    return report(NAME, gates, details)


def measure(collected: Collected, seed: int) -> Found:
    documents = list(collected.documents.values())
    spoiled, flipped = flip(documents, collected.labels().classes, seed)
    texts = [collected.text_of(each.location).decode("utf-8", errors="replace") for each in documents]
    began = time.perf_counter()
    judged = judge(texts, [each.classes for each in spoiled], is_single=collected.kind is ProjectKind.SINGLE)
    queue = suspects(judged)
    seconds = time.perf_counter() - began
    ours = {each.document for each in queue[: len(flipped)]}
    cleanlabs = set(by_cleanlab(judged)[: len(flipped)])
    likely = sum(each.is_likely for each in queue)
    return Found(len(flipped), len(ours & flipped), len(cleanlabs & flipped), likely, seconds)


def flip(documents: list[LabelledDocument], classes: list[str], seed: int) -> tuple[list[LabelledDocument], set[int]]:
    """The documents with some labels replaced, and the numbers of those that have one."""
    chance = random.Random(seed)
    labels = [(number, name) for number, document in enumerate(documents) for name in document.classes]
    spoiled = list(documents)
    chosen = chance.sample(labels, round(len(labels) * SHARE))
    for number, name in chosen:
        has = spoiled[number].classes
        others = [each for each in classes if each not in has and each not in documents[number].classes]
        other = chance.choice(others)
        spoiled[number] = replace(spoiled[number], classes=tuple(other if each == name else each for each in has))
    return spoiled, {number for number, _ in chosen}
