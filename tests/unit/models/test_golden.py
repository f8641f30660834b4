"""Which labelled documents are for training, and which to judge models by."""

from __future__ import annotations

import pytest

from shared.language.authoring_values import LabelledDocument
from shared.models.golden import MissingSide, is_golden, missing_sides, split


def document(location: str, *classes: str, dataset: str | None = None) -> LabelledDocument:
    return LabelledDocument(location, "en-us", classes, dataset)


def documents(number: int, *classes: str) -> list[LabelledDocument]:
    return [document(f"{number:04}.txt", *classes) for number in range(number)]


def test_the_side_that_the_labels_file_names_is_kept() -> None:
    named = [document(f"{name}.txt", "a", dataset=name) for name in ("Train", "Test")]

    assert [is_golden(each, percent=percent) for percent in (0, 100) for each in named] == [False, True, False, True]


@pytest.mark.parametrize("percent", [0, 20, 50, 100])
def test_about_the_percentage_of_the_other_documents_is_golden(percent: int) -> None:
    sides = split(documents(2_000), percent=percent)

    assert len(sides.golden) + len(sides.training) == 2_000
    assert len(sides.golden) == pytest.approx(20 * percent, abs=60 if 0 < percent < 100 else 0)


def test_no_document_changes_sides_when_others_are_added_or_their_order_or_labels_change() -> None:
    few = split(documents(100, "a"), percent=20)
    many = split(reversed(documents(500, "b")), percent=20)

    golden = {each.location for each in many.golden}
    assert {each.location for each in few.golden} <= golden
    assert not {each.location for each in few.training} & golden


def test_a_higher_percentage_only_adds_golden_documents() -> None:
    fewer = {each.location for each in split(documents(500), percent=20).golden}
    more = {each.location for each in split(documents(500), percent=30).golden}

    assert fewer < more


def test_all_documents_are_named_with_their_sides() -> None:
    sides = split([document("a.txt", dataset="Test"), document("b.txt", "x"), document("c.txt")], percent=0)

    assert sides.named == [
        document("b.txt", "x", dataset="Train"),
        document("c.txt", dataset="Train"),
        document("a.txt", dataset="Test"),
    ]


def test_a_class_that_one_side_has_too_few_documents_of_is_named_with_the_number_that_is_missing() -> None:
    sides = split(
        [
            *(document(f"t{number}.txt", "billing", dataset="Train") for number in range(10)),
            *(document(f"g{number}.txt", "legal", dataset="Test") for number in range(4)),
        ],
        percent=20,
    )

    assert missing_sides(sides, ["billing", "legal"], training=10, golden=5) == [
        MissingSide("legal", is_golden=False, has=0, missing=10),
        MissingSide("billing", is_golden=True, has=0, missing=5),
        MissingSide("legal", is_golden=True, has=4, missing=1),
    ]
