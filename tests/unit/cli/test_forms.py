"""`labels from`: each form, on a file written by its public description; what is refused is named, nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.forms.collect import Collected, read_form
from cli.forms.names import Form
from cli.forms.rows import Columns, FormError
from shared.language.values import ProjectKind

FILES = Path(__file__).parent / "forms"
INVOICE, PALLET, LOST = "The invoice is wrong.", "The pallet is late.", "Invoice lost, pallet late."


@dataclass(frozen=True)
class Case:
    """Classes by the beginning of the text; the refused places, each with a part of the reason."""

    form: Form
    file: str
    documents: dict[str, tuple[str, ...]]
    refused: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    kind: ProjectKind = ProjectKind.MULTI
    splits: tuple[str | None, ...] | None = None


CASES = {
    "folders": Case(
        Form.FOLDERS,
        "folders",
        {INVOICE: ("billing",), PALLET: ("shipping",), LOST: ("billing", "shipping")},
        {"stray.txt": "no class's folder", "shipping/empty.txt": "empty"},
        {"not a .txt": 1},
    ),
    "folders of a split": Case(
        Form.FOLDERS,
        "folders_split",
        {"Paid twice.": ("billing",), "Never paid.": ("billing",), "Not delivered.": ("shipping",)},
        kind=ProjectKind.SINGLE,
        splits=("Test", "Test", "Train"),
    ),
    "CSV": Case(
        Form.CSV,
        "table.csv",
        {
            "The invoice, again": ("billing",),
            'Two lines\nand a "quote"': ("billing", "shipping"),
            PALLET: ("shipping",),
        },
        {
            "line 5": "empty",
            "line 8": "5 cells where the header has 4",
            "line 10": "the same text as line 6, which has shipping and not billing",
            "line 11": "no split",
        },
        {"without a class": 1, "the same text and classes once more": 1},
        splits=("Train", "Test", "Train"),
    ),
    "JSONL": Case(
        Form.JSONL,
        "lines.jsonl",
        {INVOICE: ("billing",), PALLET: ("shipping",), "Both.": ("billing", "shipping")},
        {
            "line 3": "--classes names 2",
            "line 5": "no text but 5",
            "line 6": "not JSON",
            "line 7": "where an object is expected",
            "line 8": "no classes (--label)",
        },
    ),
    "Label Studio": Case(
        Form.LABEL_STUDIO,
        "label_studio.json",
        {INVOICE: ("billing",), PALLET: ("shipping",), LOST: ("billing", "shipping")},
        {"task 6 (id 16)": "no choices", "task 7 (id 17)": "no text (--text)"},
        {"skipped by its annotator": 1, "not annotated": 1},
    ),
    "Label Studio, JSON-MIN": Case(
        Form.LABEL_STUDIO,
        "label_studio_min.json",
        {INVOICE: ("billing",), LOST: ("billing", "shipping")},
        {"task 3 (id 23)": "topic and mood could each be the class"},
    ),
    "doccano": Case(
        Form.DOCCANO,
        "doccano.jsonl",
        {
            INVOICE: ("billing",),
            LOST: ("billing", "shipping"),
            "An older import.": ("shipping",),
            "Spans and classes.": ("billing",),
        },
        {"line 4": "spans where classes are expected", "line 6": "numbers of doccano's database"},
        {"without a class": 1},
    ),
    "Comprehend, CSV": Case(
        Form.COMPREHEND,
        "comprehend.csv",
        {"The invoice, again": ("BILLING",), "Two lines\nof text": ("BILLING", "SHIPPING"), PALLET: ("SHIPPING",)},
        {"line 4": "4 cells where a class and a text", "line 5": "empty"},
    ),
    "Comprehend, manifest": Case(
        Form.COMPREHEND,
        "comprehend.manifest",
        {INVOICE: ("BILLING",), LOST: ("BILLING", "SHIPPING"), PALLET: ("SHIPPING",)},
        {"line 3": "s3://bucket/docs/far.txt is not here", "line 4": "No consensus", "line 5": "no labels"},
    ),
    "Vertex": Case(
        Form.VERTEX,
        "vertex.jsonl",
        {INVOICE: ("billing",), PALLET: ("shipping",)},
        {
            "line 3": "gs://bucket/far.txt is not here",
            "line 4": "no displayName",
            "line 5": "no classificationAnnotation",
        },
        {"the same text and classes once more": 1},
        kind=ProjectKind.SINGLE,
        splits=("Train", "Test"),
    ),
    "Vertex, several classes": Case(
        Form.VERTEX,
        "vertex_several.jsonl",
        {LOST: ("billing", "shipping"), INVOICE: ("billing",)},
        {"line 3": "where a list is expected"},
    ),
    "Vertex, CSV": Case(
        Form.VERTEX,
        "vertex.csv",
        {"The invoice, again": ("billing",), PALLET: ("shipping",), "Without a split.": ("billing", "shipping")},
        {"line 4": "gs://bucket/far.txt is not here"},
        {"without a class": 1},
        splits=("Train", "Test", None),
    ),
    "the service's own": Case(
        Form.SERVICE,
        "service",
        {INVOICE: ("billing",), PALLET: ("shipping", "billing")},
        {
            "assets.documents[2]": "no file gone.txt",
            "assets.documents[3].classes[0]": "'unknown' is not one of the file's classes",
            "assets.documents[4]": "does not end in .txt",
        },
        splits=("Train", "Test"),
    ),
}


def read(case: Case) -> Collected:
    return read_form(case.form, FILES / case.file, Columns())


def texts(collected: Collected) -> dict[str, tuple[str, ...]]:
    return {collected.text_of(name).decode().strip(): each.classes for name, each in collected.documents.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_form_is_read_and_every_row_is_accounted_for(name: str) -> None:
    case = CASES[name]
    collected = read(case)
    found = texts(collected)
    assert len(found) == len(case.documents), found
    for beginning, classes in case.documents.items():
        matching = [given for text, given in found.items() if text.startswith(beginning)]
        assert matching == [classes], beginning
    refused = {each.place: each.what for each in collected.refused}
    assert refused.keys() == case.refused.keys()
    for place, reason in case.refused.items():
        assert reason in refused[place]
    assert dict(collected.dropped) == case.dropped
    assert collected.kind is case.kind
    assert collected.rows == len(found) + len(refused) + sum(case.dropped.values())
    if case.splits is not None:
        assert tuple(each.dataset for each in collected.documents.values()) == case.splits


@pytest.mark.parametrize("name", CASES)
def test_reading_a_form_again_gives_the_same_names(name: str) -> None:
    collected, again = read(CASES[name]), read(CASES[name])
    assert list(collected.documents) == list(again.documents)
    assert all(re.fullmatch(r"[a-z0-9-]+\.txt", each) for each in again.documents), "at the container's root"


def test_a_text_has_the_same_name_in_whichever_form_it_comes() -> None:
    """So that it never changes sides between training and golden documents."""
    names = {
        next(key for key, each in read(CASES[case]).documents.items() if "billing" in str(each.classes).lower())
        for case in ("JSONL", "Label Studio", "Label Studio, JSON-MIN", "doccano", "Comprehend, manifest", "Vertex")
    }
    assert len(names) == 1


def test_a_single_label_project_refuses_rows_of_several_classes() -> None:
    collected = read_form(Form.DOCCANO, FILES / "doccano.jsonl", Columns(), kind=ProjectKind.SINGLE)
    assert "2 classes; a single-label project takes one" in {each.what for each in collected.refused}
    assert collected.kind is ProjectKind.SINGLE


def test_classes_that_are_numbers_are_named_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps({"text": INVOICE, "label": 1}), encoding="utf-8")
    refused = read_form(Form.JSONL, file, Columns()).refused
    assert "name the classes in the order of their numbers: --classes" in refused[0].what
    assert texts(read_form(Form.JSONL, file, Columns(class_names=("a", "b")))) == {INVOICE: ("b",)}
    # A folder of splits, as Hugging Face keeps them.
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": PALLET, "label": 0}), encoding="utf-8")
    both = read_form(Form.JSONL, tmp_path, Columns(class_names=("a", "b")))
    assert sorted(each.dataset or "" for each in both.documents.values()) == ["Test", "Train"]


def test_columns_of_other_names_are_named(tmp_path: Path) -> None:
    file = tmp_path / "letters.csv"
    file.write_text("topic;letter\nbilling/shipping;Both of it\n", encoding="utf-8-sig")
    with pytest.raises(FormError, match="no column of texts"):
        read_form(Form.CSV, file, Columns(label="topic"))
    columns = Columns(text="letter", label="topic", delimiter="/")
    assert texts(read_form(Form.CSV, file, columns)) == {"Both of it": ("billing", "shipping")}


def test_a_file_of_another_form_is_said_to_be_one(tmp_path: Path) -> None:
    wrong: list[tuple[Form, str | bytes, str]] = [
        (Form.LABEL_STUDIO, '{"id": 1}', "no list of tasks"),
        (Form.LABEL_STUDIO, "[", "is not JSON"),
        (Form.JSONL, '[{"text": "x"}]', "one JSON list"),
        (Form.CSV, b"\xff\xfe\x00", "not UTF-8"),
        (Form.CSV, 'text,label\n"open', "put texts with quotes"),
        (Form.SERVICE, "{}", "none of intentNames"),
        (Form.SERVICE, "no", "is not JSON"),
        (Form.FOLDERS, "", "no folder"),
    ]
    for form, content, message in wrong:
        file = tmp_path / "file"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(FormError, match=message):
            read_form(form, file, Columns())


DAMAGE: dict[Form, Callable[[Any], str]] = {
    Form.JSONL: lambda value: json.dumps({"text": value, "label": value}),
    Form.DOCCANO: lambda value: json.dumps({"text": value, "label": value}),
    Form.COMPREHEND: lambda value: json.dumps({"source": value, "a-metadata": value}),
    Form.VERTEX: lambda value: json.dumps({"textContent": value, "classificationAnnotation": value}),
    Form.LABEL_STUDIO: lambda value: json.dumps(
        [{"data": value}, {"data": {"text": value}, "annotations": [{"result": [{"type": "choices", "value": value}]}]}]
    ),
}


@pytest.mark.parametrize("form", DAMAGE)
def test_a_damaged_row_is_refused_and_raises_nothing(form: Form, tmp_path: Path) -> None:
    values: tuple[Any, ...] = (
        None,
        5,
        True,
        [],
        {},
        [[]],
        [None],
        {"choices": [3]},
        {"class-map": {}},
        {"displayName": 3},
        "",
        "x",
    )
    for value in values:
        file = tmp_path / "file.jsonl"
        file.write_text(DAMAGE[form](value), encoding="utf-8")
        collected = read_form(form, file, Columns())
        assert len(collected.documents) + len(collected.refused) + sum(collected.dropped.values()) == collected.rows
