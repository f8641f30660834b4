"""The demo's dataset, the models that its story trains, and what it counts."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from cli.datasets import SAMPLES, Dataset, load_dataset
from local.subjects import SUBJECTS, write_subjects
from local.trust_story import (
    GOLDEN_PERCENT,
    Kept,
    chapters,
    counted,
    show_gate,
    show_kept,
    show_promise,
    show_verdicts,
    show_waiting,
)
from shared.language.values import ProjectKind
from shared.models.golden import split
from shared.models.labels import parse_labels


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_subjects(tmp_path_factory.mktemp("subjects")))


def labels_of(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    return {each.location: each.classes for each in parse_labels(json.loads(dataset.labels)).documents}


def golden_of(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    documents = parse_labels(json.loads(dataset.labels)).documents
    return {each.location: each.classes for each in split(documents, percent=GOLDEN_PERCENT).golden}


def test_the_demos_own_dataset_is_large_enough_for_a_promise(subjects: Dataset) -> None:
    assert subjects.kind is ProjectKind.SINGLE
    assert len(golden_of(subjects)) > 150
    assert len(subjects.new) > 150
    assert set(subjects.expected) == set(subjects.new)
    assert not set(subjects.new) & set(subjects.training)
    counts = parse_labels(json.loads(subjects.labels)).counts
    assert set(counts) == set(SUBJECTS)
    assert min(counts.values()) >= 10


def test_no_text_of_the_demo_says_its_subject_by_an_import(subjects: Dataset) -> None:
    texts = [path.read_text() for path in (*subjects.training.values(), *subjects.new.values())]
    assert not [text for text in texts if ">>>" in text or "from scipy" in text]
    assert len(set(texts)) == len(texts)


def test_all_models_are_judged_by_the_same_golden_documents_under_their_true_labels(subjects: Dataset) -> None:
    first, every, spoiled, fewer = (chapter.labels for chapter in chapters(subjects))
    assert golden_of(first) == golden_of(every) == golden_of(spoiled) == golden_of(fewer) == golden_of(subjects)
    assert labels_of(every) == labels_of(subjects)
    assert labels_of(first).items() < labels_of(fewer).items() < labels_of(every).items()


def test_the_spoiled_labels_are_those_of_other_documents(subjects: Dataset) -> None:
    spoiled, true = labels_of(chapters(subjects)[2].labels), labels_of(subjects)
    assert set(spoiled) == set(true)
    training = set(true) - set(golden_of(subjects))
    assert sum(spoiled[name] != true[name] for name in training) > 0.7 * len(training)


def test_the_story_can_be_told_of_any_dataset() -> None:
    dataset = load_dataset(SAMPLES)
    for chapter in chapters(dataset):
        assert set(labels_of(chapter.labels)) == set(chapter.labels.training)
        assert chapter.labels.new == dataset.new


def record(classes: dict[str, float], decision: str | None, *, is_audit: bool = False) -> dict[str, Any]:
    return {
        "classes": [{"name": name, "confidence": confidence} for name, confidence in classes.items()],
        "decision": decision and {"decision": decision, "is_audit": is_audit},
    }


RECORDS = {
    "right": record({"a": 0.99}, "accepted"),
    "wrong": record({"b": 0.97}, "accepted"),
    "drawn": record({"a": 0.98}, "review", is_audit=True),
    "unsure": record({"b": 0.4}, "review"),
    "empty": record({}, "review"),
    "undecided": record({"a": 0.9}, None),
    "failed": {"status": "failed"},
    "unjudged": record({"a": 0.99}, "accepted"),
}
EXPECTED = {name: ["a"] for name in RECORDS if name != "unjudged"}


def test_what_was_decided_is_counted_beside_what_people_say() -> None:
    assert counted(EXPECTED, RECORDS) == {"accepted": Kept(1, 2), "audit": Kept(1, 1), "review": Kept(0, 2)}


def printed(show: Any, *arguments: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(console, *arguments)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_promise_that_was_not_kept_is_not_called_kept() -> None:
    assert "Not kept: 2 of 3" in printed(show_kept, counted(EXPECTED, RECORDS))
    kept = {"accepted": Kept(19, 20), "audit": Kept(1, 1), "review": Kept(0, 9)}
    assert printed(show_kept, kept).count("Kept: 20 of 21") == 1
    assert "ept:" not in printed(show_kept, counted(EXPECTED, {}))


def test_the_least_sure_are_shown_first() -> None:
    lines = printed(show_waiting, RECORDS).splitlines()
    assert lines[0].startswith("3 wait for review")
    assert [line.split()[1] for line in lines[1:]] == ["empty:", "unsure:", "drawn:"]
    assert printed(show_waiting, {}) == ""


def test_what_cannot_be_promised_is_said() -> None:
    acceptance = {"precision": 0.95, "confidence": 0.9, "threshold": None, "documents": 41, "documents_needed": 90}
    assert "cannot be promised: everything goes to review; about 90 golden" in printed(show_promise, acceptance)
    assert "from a confidence of 0.83 on" in printed(show_promise, acceptance | {"threshold": 0.83})


def test_a_verdict_is_shown_with_what_it_rests_on() -> None:
    paired = {
        "verdict": "worse",
        "passed": False,
        "reason": "micro_f1 is 0.1 [sic]",
        "difference": -0.6,
        "interval": [-0.7, -0.5],
        "documents": 227,
        "documents_needed": None,
    }
    unpaired = paired | {"verdict": "unpaired", "passed": True, "difference": None, "interval": None}
    assert printed(show_gate, paired).strip() == "worse, not published"
    assert "unpaired, published: micro_f1 is 0.1 [sic]" in printed(show_gate, unpaired)
    table = printed(show_verdicts, {"spoiled": paired, "first": unpaired})
    assert "-0.600" in table
    assert "-0.700 to -0.500" in table
    assert "published" in table
