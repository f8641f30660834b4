"""What `labels check` finds: near-duplicates in any script, leaks, few documents, and labels that were flipped."""

from __future__ import annotations

import numpy as np
import pytest

from bench.label_errors import LEAST_FOUND, SEED, flip, measure
from cli import label_check
from cli.forms.collect import read_form
from cli.forms.names import Form
from cli.forms.rows import Columns
from cli.label_check import judge, near_duplicates
from cli.label_report import check_labels
from local.settings import ROOT
from shared.language.authoring_values import LabelledDocument

SAMPLES = ROOT / "local" / "samples" / "single_label"


def test_near_duplicates_share_their_words_in_any_script() -> None:
    texts = [
        "The invoice of May is wrong, please send another one to the address below.",
        "The invoice of May is wrong, please send another one to the address below!",
        "The pallet came late and the driver was lost.",
        "五月份的发票有误请再寄一份到下面的地址谢谢您",
        "五月份的发票有误请再寄一份到下面的地址谢谢",
        "这批货物来得太晚司机迷路了我们很不满意",
    ]
    assert [(pair.first, pair.second) for pair in near_duplicates(texts)] == [(0, 1), (3, 4)]
    assert near_duplicates(["", "", "x"])[0].likeness == 1


def document(name: str, *classes: str, dataset: str | None = None) -> LabelledDocument:
    return LabelledDocument(name, "", classes, dataset)


def test_a_text_on_both_sides_is_a_leak_and_small_classes_are_named() -> None:
    text = "The invoice of May is wrong, please send another one."
    documents = [
        document("a.txt", "billing", dataset="Train"),
        document("b.txt", "billing", dataset="Test"),
        document("c.txt", "shipping", dataset="Train"),
        document("d.txt", "shipping", dataset="Train"),
    ]
    late = "The pallet came late and the driver was lost."
    report = check_labels(documents, [text, text, late, late], is_single=True, golden_percent=20, near=0.9, limit=5)
    assert [(pair["first"], pair["second"]) for pair in report.leaks] == [("a.txt", "b.txt")]
    assert [(pair["first"], pair["second"]) for pair in report.duplicates] == [("c.txt", "d.txt")]
    assert "shipping has no golden document: no model is judged by it" in report.small
    assert any(line.startswith("billing has 2 documents") for line in report.small)
    assert report.note is not None
    assert "too few to learn from" in report.note


def test_flipped_labels_are_found_in_the_samples() -> None:
    """The corpora themselves are measured by `python -m bench label-errors`."""
    collected = read_form(Form.SERVICE, SAMPLES, Columns())
    found = measure(collected, SEED)
    assert found.flipped >= 5
    assert found.ours / found.flipped >= LEAST_FOUND


def test_many_documents_are_judged_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of documents ridge regression is solved another way; its answer is the same."""
    collected = read_form(Form.SERVICE, SAMPLES, Columns())
    texts = [collected.text_of(name).decode() for name in collected.documents]
    labels = [each.classes for each in collected.documents.values()]
    few = judge(texts, labels, is_single=True).fits
    monkeypatch.setattr(label_check, "DENSE_ROWS", 10)
    assert np.abs(judge(texts, labels, is_single=True).fits - few).max() < 0.05 * few.std()


def test_a_flip_gives_a_document_a_class_it_did_not_have() -> None:
    documents = [document(f"{number}.txt", "abc"[number % 3]) for number in range(100)]
    spoiled, flipped = flip(documents, ["a", "b", "c"], seed=1)
    assert len(flipped) == 8
    assert {number for number in range(100) if spoiled[number] != documents[number]} == flipped
