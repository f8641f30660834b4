"""Labels files of every generation, and wrong ones: what is read, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import LabelsRefusedError
from shared.language.values import ProjectKind
from tests.unit.models.label_cases import ACCEPTED, BLOBS, DECOMPOSED, GARBLED, REFUSED, Accepted, Refused, only
from tests.unit.models.test_projects import Place, place

__all__ = ["place"]  # a fixture: both API versions


def in_each_version(cases: Mapping[str, Accepted | Refused]) -> pytest.MarkDecorator:
    """Each case under each API version that it is about."""
    pairs = [(version, name) for name, case in cases.items() for version in case.versions]
    return pytest.mark.parametrize(("place", "case"), pairs, indirect=["place"])


@pytest.fixture
def filled(place: Place) -> Place:
    """Only documents for which the file says so are golden."""
    place.projects = replace(place.projects, labels=replace(place.projects.labels, golden_percent=0))
    for name, text in (BLOBS | {DECOMPOSED: "about billing"}).items():
        place.training.put(name, text.encode())
    return place


def put(place: Place, content: Any, kind: ProjectKind) -> Any:
    place.put(kind=kind)
    return place.projects.put_labels(place.projects.get("letters"), content)


@in_each_version(ACCEPTED)
def test_what_a_generation_writes_is_read_with_every_label(filled: Place, case: str) -> None:
    accepted = ACCEPTED[case]
    stored = put(filled, accepted.content, accepted.kind)
    assert tuple(stored.labels.counts.values()) == accepted.counts
    assert tuple(each.place for each in stored.warnings) == accepted.warnings


@in_each_version(REFUSED)
def test_one_cause_is_one_problem_at_its_place_with_what_to_write(filled: Place, case: str) -> None:
    refused = REFUSED[case]
    with pytest.raises(LabelsRefusedError) as caught:
        put(filled, refused.content, refused.kind)
    found = [(each.place, each.what) for each in caught.value.problems]
    assert [place for place, _ in found] == [place for place, _ in refused.problems]
    for (_, what), (_, words) in zip(found, refused.problems, strict=True):
        assert words in what
    assert "labels.json" not in filled.training.blobs


def test_a_name_that_a_zip_garbled_is_named(place: Place) -> None:
    for name, text in (BLOBS | {GARBLED: "about billing"}).items():
        place.training.put(name, text.encode())
    with pytest.raises(LabelsRefusedError) as caught:
        put(place, only(0, location="Mädchen.txt"), ProjectKind.MULTI)
    assert [each.what for each in caught.value.problems] == [
        f"the container has no blob 'Mädchen.txt'; it has {GARBLED!r}"
    ]
