"""Scripts without spaces between words: they are classified, and texts in other scripts have the terms they had."""

from __future__ import annotations

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from language_emulator.classifier.fitting import fit_classifier
from language_emulator.classifier.terms import split_terms
from language_emulator.testing.names import TOPICS, labelled_names


# Accuracy on 1,000 texts of five topics (chance is 0.2) after 150 of them: with words alone, and with n-grams.
@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("zh_Hans", 0.200, 0.756),
        ("ja", 0.200, 0.773),
        ("th", 0.515, 0.662),
        ("lo", 0.494, 0.659),
        ("km", 0.458, 0.667),
        ("my", 0.477, 0.664),
    ],
)
def test_a_text_without_spaces_is_classified_by_the_words_inside_its_runs(
    language: str, before: float, after: float
) -> None:
    training, unseen = labelled_names(language, 30, seed=1), labelled_names(language, 200, seed=2)
    texts, labels = [text for text, _ in training], [[topic] for _, topic in training]
    classifier = fit_classifier(texts, labels, TOPICS, single_label=True, on_progress=lambda _: None)
    answers = classifier.classify([text for text, _ in unseen])
    right = [scores[0].name == topic for scores, (_, topic) in zip(answers, unseen, strict=True)]
    accuracy = sum(right) / len(right)
    assert accuracy > before + 0.1
    assert accuracy == pytest.approx(after, abs=0.03)


@pytest.mark.parametrize(
    "text",
    [
        "The card was charged twice: 12.50 EUR, on 3 May!",
        "Die Überweisung – „naïve“ Façade – kostet 5 €.",
        "Посылка пришла поздно, её вскрыли.",
        "سُعر الفاتورة خطأ 12",
        "मुझे चालान नहीं मिला",
        "청구서 금액이 잘못되었습니다",
        "Η τιμή είναι λάθος … \u200bκαι άλλα",
        "",
    ],
)
def test_a_text_in_a_script_with_spaces_has_the_words_it_always_had(text: str) -> None:
    assert split_terms(text) == TfidfVectorizer().build_analyzer()(text)


def test_a_text_of_several_scripts_has_words_and_pieces() -> None:
    assert split_terms("iPhone发布会 café 2024") == ["iphone", "café", "2024", "发", "布", "会", "发布", "布会"]
    assert split_terms("กา 12、スー") == ["12", "ก", "า", "กา", "ス", "ー", "スー"]


def test_a_mark_stays_with_its_run() -> None:
    """Thai vowels and tones are marks, at which a pattern of letters alone cuts a word apart."""
    assert "กำ" in split_terms("กำลัง")
    assert "ลัง" in split_terms("กำลัง")
