"""Which labelled documents train, which are shown in the validation review, which test."""

from __future__ import annotations

import random
from dataclasses import dataclass

from language_emulator import errors
from language_emulator.limits import DOCUMENTS_FOR_EVALUATION
from language_emulator.projects.labels import LabelledDocument
from language_emulator.projects.records import SplitOptions


@dataclass(frozen=True)
class Split:
    """Three disjoint parts. Without enough documents everything trains and nothing is held out."""

    train: list[LabelledDocument]
    validation: list[LabelledDocument]
    test: list[LabelledDocument]


def split_documents(documents: list[LabelledDocument], options: SplitOptions | None, seed: str) -> Split:
    """`options` None is the 2021 preview's 80/10/10. The same documents and seed give the same split."""
    if options is not None and options.kind == "manual":
        return _by_dataset(documents)
    # GA splits only the training documents by percentage; those set aside as Test by hand stay out of training.
    pool = [document for document in documents if document.dataset != "Test"] if options else list(documents)
    random.Random(seed).shuffle(pool)  # noqa: S311 - reproducible, not secret
    if len(pool) < DOCUMENTS_FOR_EVALUATION:
        return Split(pool, [], [])
    if options is None:
        held_out = max(1, round(len(pool) * 0.1))
        return Split(pool[2 * held_out :], pool[:held_out], pool[held_out : 2 * held_out])
    tested = round(len(pool) * options.testing_percentage / 100)
    return Split(pool[tested:], [], pool[:tested])


def _by_dataset(documents: list[LabelledDocument]) -> Split:
    train = [document for document in documents if document.dataset != "Test"]
    test = [document for document in documents if document.dataset == "Test"]
    if not train or not test:
        raise errors.project_incomplete("a manual split needs documents in both datasets, Train and Test")
    # No page says that a split by hand is evaluated with fewer documents than one at random.
    return Split(train, [], test if len(documents) >= DOCUMENTS_FOR_EVALUATION else [])
