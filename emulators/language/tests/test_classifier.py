"""The classifier by itself: reproducible, saved exactly, calibrated, and sound on poor data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from language_emulator.classifier.calibration import Softmax, fit_sigmoids, fit_softmax
from language_emulator.classifier.fitting import fit_classifier
from language_emulator.classifier.model import Classifier, load_classifier, save_classifier
from language_emulator.testing.corpus import CLASSES, DOCUMENTS, labelled_texts


def _fit(
    labelled: Sequence[tuple[str, list[str]]], *, single_label: bool, classes: Sequence[str] = CLASSES
) -> Classifier:
    texts, labels = [text for text, _ in labelled], [given for _, given in labelled]
    return fit_classifier(texts, labels, classes, single_label=single_label, on_progress=lambda _: None)


@pytest.mark.parametrize("single_label", [True, False])
def test_the_same_data_give_the_same_files_and_what_is_read_back_answers_the_same(
    single_label: bool, tmp_path: Path
) -> None:
    labelled = labelled_texts(60, single_label=single_label)
    first, second = (_fit(labelled, single_label=single_label) for _ in range(2))
    save_classifier(first, tmp_path / "first")
    save_classifier(second, tmp_path / "second")
    with np.load(tmp_path / "first" / "arrays.npz") as ours, np.load(tmp_path / "second" / "arrays.npz") as theirs:
        assert {name: ours[name].tobytes() for name in ours} == {name: theirs[name].tobytes() for name in theirs}
    texts = list(DOCUMENTS.values())
    assert load_classifier(tmp_path / "first").classify(texts) == first.classify(texts)


def test_single_label_probabilities_sum_to_one_and_the_best_class_is_answered() -> None:
    classifier = _fit(labelled_texts(60, single_label=True), single_label=True)
    texts = list(DOCUMENTS.values())
    assert classifier.probabilities(texts).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert [scores[0].name for scores in classifier.classify(texts)] == list(DOCUMENTS)


@pytest.mark.parametrize("single_label", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_handful_of_documents_trains(count: int, single_label: bool) -> None:
    classifier = _fit(labelled_texts(count, single_label=single_label), single_label=single_label)
    [scores] = classifier.classify(["password"])
    assert all(0 <= score.confidence <= 1 for score in scores)


@pytest.mark.parametrize("single_label", [True, False])
def test_classes_without_a_document_or_with_every_document_train(single_label: bool) -> None:
    labelled = [(text, ["always"]) for text, _ in labelled_texts(20, single_label=True)]
    classifier = _fit(labelled, single_label=single_label, classes=["never", "always"])
    [scores] = classifier.classify(["password"])
    assert [score.name for score in scores] == ["always"]


def test_a_label_with_two_documents_keeps_the_fixed_curve_and_threshold() -> None:
    labels = np.zeros((40, 2), dtype=np.bool_)
    labels[:2, 0] = labels[::2, 1] = True
    margins = np.where(labels, 1.0, -1.0).astype(np.float32)
    sigmoids = fit_sigmoids(margins, labels)
    assert (sigmoids.slopes[0], sigmoids.offsets[0], sigmoids.thresholds[0]) == (3.0, 0.0, 0.5)
    assert sigmoids.slopes[1] != 3.0


def test_a_single_label_has_a_single_threshold() -> None:
    labels = np.arange(40)[:, np.newaxis] % 2 == 0
    thresholds = fit_sigmoids(np.where(labels, 1.0, -1.0).astype(np.float32), labels).thresholds
    assert thresholds.shape == (1,)


def test_texts_without_any_word_cannot_train() -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        _fit([("? !", ["billing"]), ("...", ["account"])], single_label=True)


def test_a_text_without_a_known_word_gets_an_answer() -> None:
    classifier = _fit(labelled_texts(60, single_label=True), single_label=True)
    [[score]] = classifier.classify(["zzz"])
    assert score.confidence < 0.6


def test_the_temperature_recovers_the_sharpness_that_drew_the_labels() -> None:
    chance = np.random.default_rng(3)
    margins = chance.normal(size=(4_000, 4)).astype(np.float32)
    drawn = [chance.choice(4, p=row / row.sum()) for row in Softmax(6.0).probabilities(margins).astype(np.float64)]
    labels = np.eye(4, dtype=np.bool_)[drawn]
    assert fit_softmax(margins, labels).sharpness == pytest.approx(6.0, rel=0.15)


def test_sigmoids_recover_the_probabilities_that_drew_the_labels() -> None:
    chance = np.random.default_rng(4)
    margins = chance.normal(size=(6_000, 1)).astype(np.float32)
    true = 1 / (1 + np.exp(-(2.5 * margins - 1.0)))
    labels = chance.random(size=true.shape) < true
    fitted = fit_sigmoids(margins, labels).probabilities(margins)
    assert float(np.abs(fitted - true).mean()) < 0.02
