"""A dataset of a user's own: its labels are read as PUT labels reads them, in every form and encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.datasets import DatasetError, load_dataset
from shared.language.values import ProjectKind
from tests.unit.models.label_cases import BLOBS, NAMES, each, july, november_preview, project_file, renamed


def folder_with(tmp_path: Path, content: Any, encoding: str = "utf-8") -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(BLOBS[name], encoding="utf-8")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "x.txt").write_text("about billing", encoding="utf-8")
    (tmp_path / "labels.json").write_bytes(json.dumps(content).encode(encoding))
    return tmp_path


KINDS: dict[str, tuple[Any, ProjectKind]] = {
    "one class each": (july(), ProjectKind.SINGLE),
    "a file that says it is for many": (project_file(), ProjectKind.MULTI),
    "an export of November": (november_preview(), ProjectKind.MULTI),
    "a file that says it is for one": (project_file(kind="customSingleLabelClassification"), ProjectKind.SINGLE),
    "a document without a class": (
        july(documents=[*july()["documents"][:-1], {"location": NAMES[-1]}]),
        ProjectKind.MULTI,
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("case", KINDS)
def test_the_kind_of_project_is_what_the_file_says_or_shows(tmp_path: Path, case: str, encoding: str) -> None:
    content, kind = KINDS[case]
    dataset = load_dataset(folder_with(tmp_path, content, encoding))
    assert (dataset.kind, list(dataset.training)) == (kind, NAMES)


WRONG: dict[str, tuple[Any, str]] = {
    "documents in capitals": (renamed("documents", "Documents"), r"assets\.documents: .* write 'documents'"),
    "classes in capitals": (each(lambda _, d: d.__setitem__("Classes", d.pop("classes"))), "write 'classes'"),
    "no form": ({}, "at the top: it has none of intentNames"),
    "no documents": (july(documents=[]), "lists no documents"),
    "a document that is not there": (july(documents=[{"location": "gone.txt"}]), r"not there, first gone\.txt"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, case: str) -> None:
    content, words = WRONG[case]
    with pytest.raises(DatasetError, match=words):
        load_dataset(folder_with(tmp_path, content))
