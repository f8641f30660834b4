"""Bodies of requests: what each member takes, its bounds, and that an unknown member is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.documents.record_schema import Decision
from shared.models.projects import ProjectName, ProjectRequest
from shared.operations.operation import (
    PublishRequest,
    ReclassifyRequest,
    RedriveDeadLettersRequest,
    RedriveRequest,
    RetrainRequest,
)

# Each model with a body that names every member, and what is read where only the needed ones are given.
WHOLE: dict[str, tuple[type[BaseModel], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "project": (
        ProjectRequest,
        {
            "kind": "multi_label",
            "language": "de",
            "multilingual": True,
            "description": "letters",
            "container": "letters",
            "labels_file": "mine.json",
            "acceptance": {"precision": 0.97, "confidence": 0.8, "right": "all_classes"},
        },
        {"kind": "single_label"},
        {
            "kind": "single_label",
            "language": "en-us",
            "multilingual": False,
            "description": "",
            "container": None,
            "labels_file": "labels.json",
            "acceptance": None,
        },
    ),
    "retrain": (
        RetrainRequest,
        {
            "model": "march",
            "publish": False,
            "gate": {
                "metric": "macro_f1",
                "tolerance": 0.1,
                "on_unclear": "refuse",
                "no_class_loses_more_than": 0.2,
            },
            "force": True,
        },
        {},
        {
            "model": None,
            "publish": True,
            "gate": {
                "metric": "micro_f1",
                "tolerance": 0.05,
                "on_unclear": "by_estimate",
                "no_class_loses_more_than": None,
            },
            "force": False,
        },
    ),
    "publish": (PublishRequest, {"model": "march"}, {"model": "march"}, {"model": "march"}),
    "reclassify": (
        ReclassifyRequest,
        {
            "prefix": "2026/",
            "older_than_model": "march",
            "decision": "review",
            "failed": False,
            "reason": None,
            "dry_run": True,
            "confirm": True,
        },
        {},
        {
            "prefix": "",
            "older_than_model": False,
            "failed": False,
            "reason": None,
            "dry_run": False,
            "confirm": False,
        },
    ),
    "redrive failures": (
        RedriveRequest,
        {"reason": "job_failed", "prefix": "2026/", "dry_run": True, "confirm": True},
        {},
        {"reason": None, "prefix": "", "dry_run": False, "confirm": False},
    ),
    "redrive dead letters": (
        RedriveDeadLettersRequest,
        {"queue": "batches", "dry_run": True},
        {},
        {"queue": None, "dry_run": False},
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_member_of_a_request_is_read_and_has_its_default(name: str) -> None:
    model, whole, needed, defaults = WHOLE[name]
    assert set(whole) == set(model.model_fields), "a member without a row"
    assert model.model_validate(whole).model_dump(mode="json") == whole
    assert model.model_validate(needed).model_dump(mode="json") == defaults


@pytest.mark.parametrize("name", WHOLE)
def test_an_unknown_member_is_refused(name: str) -> None:
    model, whole, *_ = WHOLE[name]
    with pytest.raises(ValidationError, match="typo"):
        model.model_validate(whole | {"typo": "x"})


WRONG: dict[str, tuple[type[BaseModel], dict[str, Any], str]] = {
    "a project without a kind": (ProjectRequest, {}, "kind"),
    "a project of an unknown kind": (ProjectRequest, {"kind": "other"}, "kind"),
    "a project of no language": (ProjectRequest, {"kind": "single_label", "language": None}, "language"),
    "a model's name with a slash": (RetrainRequest, {"model": "a/b"}, "model"),
    "a model's name with a line break": (RetrainRequest, {"model": "a\n"}, "model"),
    "an empty model's name": (RetrainRequest, {"model": ""}, "model"),
    "a model's name of 51 characters": (RetrainRequest, {"model": "a" * 51}, "model"),
    "an unknown metric": (RetrainRequest, {"gate": {"metric": "luck"}}, "gate.metric"),
    "an unknown member of the gate": (RetrainRequest, {"gate": {"luck": 1}}, "gate.luck"),
    "a negative tolerance": (RetrainRequest, {"gate": {"tolerance": -0.01}}, "gate.tolerance"),
    "a tolerance over 1": (RetrainRequest, {"gate": {"tolerance": 1.01}}, "gate.tolerance"),
    "a publication of no model": (PublishRequest, {}, "model"),
    "a precision of all": (
        ProjectRequest,
        {"kind": "single_label", "acceptance": {"precision": 1}},
        "acceptance.precision",
    ),
    "a precision in percent": (
        ProjectRequest,
        {"kind": "single_label", "acceptance": {"precision": 95}},
        "acceptance.precision",
    ),
    "a confidence below a half": (
        ProjectRequest,
        {"kind": "single_label", "acceptance": {"confidence": 0.4}},
        "acceptance.confidence",
    ),
    "an unknown member of what is accepted": (
        ProjectRequest,
        {"kind": "single_label", "acceptance": {"threshold": 0.9}},
        "acceptance.threshold",
    ),
    "a decision that is none": (ReclassifyRequest, {"decision": "maybe"}, "decision"),
    "a prefix that is no text": (ReclassifyRequest, {"prefix": 7}, "prefix"),
    "a reason that is no failure code": (RedriveRequest, {"reason": "luck"}, "reason"),
    "a queue's name that is a path": (RedriveDeadLettersRequest, {"queue": "../batches"}, "queue"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_value_outside_its_bounds_is_refused_by_its_place(case: str) -> None:
    model, body, place = WRONG[case]
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert {".".join(str(part) for part in each["loc"]) for each in caught.value.errors()} == {place}


def test_a_failure_has_no_decision_to_be_chosen_by() -> None:
    with pytest.raises(ValidationError, match="it does not go with failed"):
        ReclassifyRequest(failed=True, decision=Decision.REVIEW)


def test_without_a_decision_a_request_is_stored_as_an_older_release_reads_it() -> None:
    assert "decision" not in ReclassifyRequest(prefix="a/").model_dump(mode="json")
    assert RedriveRequest().reclassification.decision is None


@pytest.mark.parametrize("name", ["a", "a" * 50, "Letters_2.0-b"])
def test_a_name_within_the_service_s_rules_is_taken_for_a_model_and_a_project(name: str) -> None:
    assert RetrainRequest(model=name).model == name
    assert TypeAdapter(ProjectName).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "a" * 51, "a/b", "..\\a", "a b", "a\n", "\u00e4", None])
def test_any_other_name_of_a_project_is_refused(name: str | None) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ProjectName).validate_python(name)
