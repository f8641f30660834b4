"""A project that asks for a precision, end to end: put over HTTP, made for the model in use, and in every record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from language_emulator.testing.corpus import DOCUMENTS, TOPICS, upload_corpus
from shared.documents.record_schema import ClassificationRecord, Decision
from shared.language.values import ProjectKind
from shared.models.acceptance import is_audited
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore
from tests.e2e.conftest import NO_NETS, Cloud, running_cloud

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
RULE = {"precision": 0.9, "confidence": 0.9, "right": "exact"}
AUDIT_PERCENT = 5.0
# One topic each, of which a model is sure, and words of all of them, of which it is not.
WORDS = [topic.split() for topic in TOPICS.values()]
TEXTS = [*DOCUMENTS.values(), *(" ".join(words[number] for words in WORDS) for number in range(5))]


# The same code under either; the other version is the gate's.
ONE_VERSION = pytest.mark.parametrize(
    "cloud", [pytest.param("2021-preview", marks=pytest.mark.long), "2023-04-01"], indirect=True
)


@pytest.fixture(params=[pytest.param("2021-preview", marks=pytest.mark.long), "2023-04-01"])
def single_label(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, host_kind: str
) -> Iterator[Cloud]:
    """A project of one label for each document, untrained."""
    changes = NO_NETS | {"language_api": request.param}
    with running_cloud(tmp_path_factory.mktemp("single"), host_kind=host_kind, changes=changes) as running:
        upload_corpus(running.stack.azurite.connection_string, "training", single_label=True, count=40)
        running.api.call("PUT", PROJECT, {"kind": "single_label"})
        yield running


def ask(cloud: Cloud, kind: ProjectKind, acceptance: dict[str, Any] | None) -> Any:
    return cloud.api.call("PUT", PROJECT, {"kind": kind, "acceptance": acceptance})


def classify(cloud: Cloud, folder: str) -> list[ClassificationRecord]:
    names = [f"{folder}{number}.txt" for number in range(len(TEXTS))]
    for name, text in zip(names, TEXTS, strict=True):
        cloud.upload(name, text.encode())
    cloud.wait_until_settled(folder)
    records = cloud.records(names)
    assert len(records) == len(names)
    return records


def confidence(record: ClassificationRecord) -> float:
    return min((each.confidence for each in record.classes), default=0.0)


def put_trial(cloud: Cloud, kind: ProjectKind, label: str, *, wrong_at: float) -> None:
    """300 golden documents answered right and most surely, 50 answered wrong at `wrong_at`."""
    answers = [("billing", 1.0)] * 300 + [("account", wrong_at)] * 50
    documents = tuple(
        TrialDocument(
            location=f"golden{number}.txt",
            etag='"1"',
            labels=("billing",),
            classes=(AnsweredClass(name=name, confidence=sure),),
        )
        for number, (name, sure) in enumerate(answers)
    )
    trial = Trial(
        project="demo", kind=kind, label=label, api_version="any", ended=datetime.now(UTC), documents=documents
    )
    TrialStore(cloud.container("pipeline")).put(trial)


def assert_decided_by(record: ClassificationRecord, threshold: float | None) -> Decision:
    """By the threshold, or as an audit; and the metadata say the same."""
    decision, document = record.decision, record.document
    assert decision is not None
    assert (decision.threshold, decision.precision, decision.confidence) == (threshold, 0.9, 0.9)
    reached = threshold is not None and bool(record.classes) and confidence(record) >= threshold
    audited = is_audited(name=document.name, etag=document.etag, model=record.model.label, percent=AUDIT_PERCENT)
    assert decision.is_audit == (reached and audited)
    assert decision.decision == (Decision.ACCEPTED if reached and not audited else Decision.REVIEW)
    return Decision.ACCEPTED if reached else Decision.REVIEW


def decide_by_a_trial(cloud: Cloud, kind: ProjectKind, label: str, prefix: str) -> None:
    """Documents before there is a rule, and the same texts again with one that some of them meet."""
    before = classify(cloud, f"{prefix}before/")
    assert [record.decision for record in before] == [None] * len(TEXTS)
    confidences = [confidence(record) for record in before]
    middle = (min(confidences) + max(confidences)) / 2
    put_trial(cloud, kind, label, wrong_at=middle)

    project = ask(cloud, kind, RULE)
    assert (project["acceptance"], project["warnings"]) == (RULE, [])
    shown = cloud.api.call("GET", "/api/status")["acceptance"]
    threshold = shown["threshold"]
    assert middle < threshold <= middle + 0.01
    assert {name: shown[name] for name in RULE} == RULE
    assert (shown["documents"], shown["documents_needed"], shown["precision_in_use"]) == (350, None, None)

    after = classify(cloud, f"{prefix}after/")
    assert [confidence(record) for record in after] == confidences
    assert {assert_decided_by(record, threshold) for record in after} == set(Decision)
    listed = cloud.container("classifications").list(f"{prefix}after/", metadata=True)
    metadata = {info.name: info.metadata["decision"] for info in listed}
    assert metadata == {f"{each.document.name}.json": each.decision.decision for each in after if each.decision}

    asked = {"prefix": prefix, "decision": "review", "dry_run": True}
    counted = cloud.api.call("POST", "/api/reclassify", asked)["documents"]
    assert counted == list(metadata.values()).count("review") > 0
    shown_document = cloud.api.call("GET", f"/api/documents/{after[0].document.name}")
    assert shown_document["classification"]["decision"]["threshold"] == threshold


@ONE_VERSION
def test_documents_of_several_labels_are_decided_by_the_trial_of_the_model_in_use(cloud: Cloud, prefix: str) -> None:
    try:
        decide_by_a_trial(cloud, ProjectKind.MULTI, "first", prefix)
    finally:
        ended = ask(cloud, ProjectKind.MULTI, None)
    assert (ended["acceptance"], ended["warnings"]) == (None, [])
    (name,) = cloud.upload_some(f"{prefix}ended/", 1)
    assert cloud.wait_for_classification(name).decision is None


def test_a_model_of_single_labels_is_published_with_its_promise_and_its_documents_are_decided(
    single_label: Cloud, prefix: str
) -> None:
    cloud = single_label
    warned = ask(cloud, ProjectKind.SINGLE, RULE)["warnings"]
    assert "no model of the project is in use" in warned[0]
    assert cloud.follow(f"{PROJECT}/retrain", {"model": "first", "force": True})["state"] == "succeeded"
    stored = json.loads(cloud.container("pipeline").read("models/active.json").data)
    assert (stored["model"]["label"], stored["acceptance"]["rule"]) == ("first", RULE)
    assert stored["acceptance"]["threshold"]["threshold"] is None, "40 labelled documents promise nothing"
    for record in classify(cloud, f"{prefix}unpromised/"):
        assert assert_decided_by(record, None) is Decision.REVIEW
    ask(cloud, ProjectKind.SINGLE, None)
    decide_by_a_trial(cloud, ProjectKind.SINGLE, "first", f"{prefix}promised/")
    assert cloud.api.call("DELETE", f"{PROJECT}?confirm=demo")["deleted"]
    assert [info.name for folder in ("projects/", "trials/") for info in cloud.container("pipeline").list(folder)] == []
