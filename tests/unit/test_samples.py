"""The committed sample documents of the demo: complete, readable and labelled within the service's limits."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "local" / "samples"
LABELS_FILES = (
    "multi_label/labels.json",
    "multi_label/labels_more.json",
    "multi_label/labels_spoiled.json",
    "single_label/labels.json",
)
SETS = ("multi_label", "single_label")
LONGEST_DOCUMENT = 17_500

every_labels_file = pytest.mark.parametrize("labels_file", LABELS_FILES)
every_set = pytest.mark.parametrize("name", SETS)


def load(relative: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / relative).read_text(encoding="utf-8"))
    return loaded


def locations(labels_file: str) -> list[str]:
    return [document["location"] for document in load(labels_file)["documents"]]


def intents_by_location(labels_file: str) -> dict[str, list[int]]:
    return {document["location"]: document["intents"] for document in load(labels_file)["documents"]}


def files_below(folder: Path) -> set[str]:
    """Relative paths in composed form: some file systems hand accents back decomposed."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {unicodedata.normalize("NFC", path.relative_to(folder).as_posix()) for path in found}


def every_text_file() -> list[Path]:
    return sorted(SAMPLES.rglob("*.txt"))


@every_labels_file
def test_every_listed_document_exists_and_is_listed_once(labels_file: str) -> None:
    listed = locations(labels_file)
    base = (SAMPLES / labels_file).parent
    folders = [base / "training", base / "more_training"]
    there = [sum((folder / location).is_file() for folder in folders) for location in listed]
    assert [location for location, files in zip(listed, there, strict=True) if files != 1] == []
    assert [location for location, times in Counter(listed).items() if times > 1] == []


@every_labels_file
def test_a_labels_file_has_exactly_the_keys_of_the_july_2021_form(labels_file: str) -> None:
    labels = load(labels_file)
    assert set(labels) == {"intentNames", "documents"}
    for document in labels["documents"]:
        assert set(document) == {"location", "culture", "intents"}
        assert document["culture"] == "en-us"


@every_labels_file
def test_class_names_consist_of_letters_and_underscores_and_are_unique(labels_file: str) -> None:
    names = load(labels_file)["intentNames"]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.replace("_", "").isalpha() for name in names)


@every_labels_file
def test_the_intents_of_every_document_are_distinct_positions_of_a_class(labels_file: str) -> None:
    labels = load(labels_file)
    for document in labels["documents"]:
        intents = document["intents"]
        assert intents, document["location"]
        assert len(set(intents)) == len(intents), document["location"]
        assert all(0 <= intent < len(labels["intentNames"]) for intent in intents), document["location"]


@every_labels_file
def test_every_class_has_at_least_ten_labelled_documents(labels_file: str) -> None:
    labels = load(labels_file)
    counts = Counter(intent for document in labels["documents"] for intent in document["intents"])
    assert {name: counts[i] for i, name in enumerate(labels["intentNames"]) if counts[i] < 10} == {}


def test_a_document_of_the_multi_label_set_has_one_to_three_classes_and_many_have_two() -> None:
    sizes = Counter(len(intents) for intents in intents_by_location("multi_label/labels.json").values())
    assert set(sizes) == {1, 2, 3}
    assert sizes[2] >= 0.3 * sum(sizes.values())


def test_a_document_of_the_single_label_set_has_exactly_one_class() -> None:
    assert {len(intents) for intents in intents_by_location("single_label/labels.json").values()} == {1}
    assert {len(classes) for classes in load("single_label/expected.json").values()} == {1}


def test_the_multi_label_set_has_at_least_120_training_documents_in_6_to_8_classes() -> None:
    labels = load("multi_label/labels.json")
    assert len(labels["documents"]) >= 120
    assert 6 <= len(labels["intentNames"]) <= 8


def test_the_single_label_set_has_60_training_documents_in_5_classes() -> None:
    labels = load("single_label/labels.json")
    assert len(labels["documents"]) == 60
    assert len(labels["intentNames"]) == 5


def test_every_training_file_is_labelled_and_nothing_else_is() -> None:
    multi = SAMPLES / "multi_label"
    first, more = files_below(multi / "training"), files_below(multi / "more_training")
    assert set(locations("multi_label/labels.json")) == first
    assert set(locations("multi_label/labels_more.json")) == first | more
    assert set(locations("single_label/labels.json")) == files_below(SAMPLES / "single_label" / "training")


def test_names_of_training_documents_are_plain_ascii_at_the_root_of_the_container() -> None:
    """The service's page of limits: training files are at the root of their container."""
    for labels_file in LABELS_FILES:
        for location in locations(labels_file):
            assert location.endswith(".txt"), location
            assert location.isascii(), location
            assert location.removesuffix(".txt").replace("-", "").isalnum(), location


def test_more_labels_keep_every_label_of_the_first_training() -> None:
    first = intents_by_location("multi_label/labels.json")
    more = intents_by_location("multi_label/labels_more.json")
    assert {location: more[location] for location in first} == first
    assert len(more) >= len(first) + 50
    assert load("multi_label/labels_more.json")["intentNames"] == load("multi_label/labels.json")["intentNames"]


def test_spoiled_labels_are_the_same_documents_and_the_same_labels_wrongly_assigned() -> None:
    first = intents_by_location("multi_label/labels.json")
    spoiled = intents_by_location("multi_label/labels_spoiled.json")
    assert list(spoiled) == list(first)
    assert sorted(spoiled.values()) == sorted(first.values())
    kept = sum(spoiled[location] == intents for location, intents in first.items())
    assert kept <= 0.2 * len(first)
    assert load("multi_label/labels_spoiled.json")["intentNames"] == load("multi_label/labels.json")["intentNames"]


def test_every_document_is_utf_8_not_empty_and_short_enough_for_one_request() -> None:
    for path in every_text_file():
        text = path.read_bytes().decode("utf-8")
        assert text.strip(), path
        assert len(text) <= LONGEST_DOCUMENT, path
        assert not text.startswith("\ufeff"), path


def test_no_text_appears_twice() -> None:
    texts = Counter(" ".join(path.read_text(encoding="utf-8").split()).casefold() for path in every_text_file())
    assert [text for text, times in texts.items() if times > 1] == []


def test_every_mail_address_uses_a_reserved_domain() -> None:
    for path in every_text_file():
        words = path.read_text(encoding="utf-8").split()
        domains = [word.rpartition("@")[2].rstrip(".,;:)?!") for word in words if "@" in word.strip("@")]
        assert all(domain.endswith(".example") or not domain for domain in domains), path


@every_set
def test_expected_answers_cover_exactly_the_new_documents(name: str) -> None:
    assert set(load(f"{name}/expected.json")) == files_below(SAMPLES / name / "new")


@every_set
def test_expected_answers_name_known_classes_and_use_each_of_them(name: str) -> None:
    expected = load(f"{name}/expected.json")
    classes = set(load(f"{name}/labels.json")["intentNames"])
    assert {item for answer in expected.values() for item in answer} == classes
    assert all(answer and len(set(answer)) == len(answer) for answer in expected.values())


def test_new_documents_have_some_awkward_names() -> None:
    names = list(load("multi_label/expected.json"))
    assert any(" " in name for name in names)
    assert any("/" in name for name in names)
    assert any(not name.isascii() for name in names)
