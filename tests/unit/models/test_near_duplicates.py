"""Which golden texts are the same as one to train on, or almost: found whatever the layout, and at a bounded cost."""

from __future__ import annotations

import random

import pytest

from shared.models import near_duplicates as module
from shared.models.near_duplicates import NearDuplicate, Sketch, near_duplicates, resemblance, sketch


def words(count: int, *, seed: str, vocabulary: int = 5_000) -> list[str]:
    chance = random.Random(seed)
    return [f"word{chance.randrange(vocabulary)}" for _ in range(count)]


def text(count: int, *, seed: str) -> str:
    return " ".join(words(count, seed=seed))


def changed(original: str, every: int) -> str:
    """With another word in place of each `every`th."""
    return " ".join(
        f"other{number}" if number % every == every // 2 else word for number, word in enumerate(original.split())
    )


def compared(one: str, other: str) -> list[NearDuplicate[str]]:
    return near_duplicates({"golden": sketch(one)}, {"training": sketch(other)})


SAME = [NearDuplicate("golden", "training", is_same=True)]
ALMOST = [NearDuplicate("golden", "training", is_same=False)]

LETTER = text(60, seed="letter")


@pytest.mark.parametrize(
    "other",
    [
        LETTER,
        LETTER.upper(),
        LETTER.replace(" ", "\r\n\t"),
        LETTER.replace(" ", ", ") + "!",
        LETTER.replace("word", "ｗｏｒｄ"),
    ],
    ids=["itself", "letter case", "white space", "punctuation", "Unicode form"],
)
def test_layout_does_not_make_a_text_another(other: str) -> None:
    assert compared(LETTER, other) == SAME


@pytest.mark.parametrize("count", [40, 100, 400, 4_000])
def test_a_text_with_a_few_other_words_is_almost_the_same(count: int) -> None:
    original = text(count, seed=f"original{count}")
    assert compared(original, changed(original, 40)) == ALMOST


@pytest.mark.parametrize("count", [40, 100, 400, 4_000])
def test_a_text_of_the_same_subject_is_another(count: int) -> None:
    original = text(count, seed=f"original{count}")
    assert compared(original, changed(original, 8)) == []
    shuffled = original.split()
    random.Random(1).shuffle(shuffled)
    assert compared(original, " ".join(shuffled)) == []


def test_a_letter_that_is_quoted_whole_in_a_longer_one_is_another() -> None:
    assert compared(LETTER, f"{LETTER} {text(120, seed='answer')}") == []


@pytest.mark.parametrize("short", ["yes", "no thanks", "???", "ใช่"])
def test_texts_of_few_words_are_compared_as_a_whole(short: str) -> None:
    assert compared(short, f" {short} ") == SAME
    assert compared(short, "something else") == []


def test_writing_without_spaces_is_compared_by_its_letters() -> None:
    original = "請求書の金額が間違っているので確認してください。先月の分はすでに支払いました。" * 3
    assert compared(original, original.replace("先月", "今月", 1)) == ALMOST
    assert compared(original, "荷物がまだ届いていません。追跡番号では配達済みになっています。") == []


@pytest.mark.parametrize(("every", "exact"), [(10, 0.54), (20, 0.74), (40, 0.86)])
def test_the_estimate_is_near_the_exact_share(every: int, exact: float) -> None:
    original = " ".join(f"w{number}" for number in range(4_000))
    assert resemblance(sketch(original), sketch(changed(original, every))) == pytest.approx(exact, abs=0.1)


def test_the_text_that_a_golden_one_resembles_most_is_named() -> None:
    original = text(300, seed="original")
    others = {f"every {every}": sketch(changed(original, every)) for every in (30, 60, 120)}
    assert near_duplicates({"golden": sketch(original)}, others) == [
        NearDuplicate("golden", "every 120", is_same=False)
    ]


def test_all_pairs_across_two_large_sides_are_found_and_no_other() -> None:
    golden = {number: text(80, seed=f"golden{number}") for number in range(400)}
    training = {number: text(80, seed=f"training{number}") for number in range(1_600)}
    for number in range(0, 400, 20):
        training[4 * number] = changed(golden[number], 40)
    found = near_duplicates(
        {number: sketch(each) for number, each in golden.items()},
        {number: sketch(each) for number, each in training.items()},
    )
    assert found == [NearDuplicate(number, 4 * number, is_same=False) for number in range(0, 400, 20)]


def test_letters_with_a_common_frame_are_compared_with_a_bounded_number_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = text(100, seed="frame")
    others = {str(number): sketch(f"{frame} {text(60, seed=str(number))}") for number in range(300)}
    calls: list[Sketch] = []

    def count(one: Sketch, other: Sketch) -> float:
        calls.append(one)
        return resemblance(one, other)

    monkeypatch.setattr(module, "resemblance", count)
    assert near_duplicates({"golden": sketch(f"{frame} {text(60, seed='golden')}")}, others) == []
    assert len(calls) == module.MOST_COMPARED


def test_what_is_kept_of_a_text_has_a_fixed_size() -> None:
    assert len(sketch(text(50_000, seed="long")).smallest) == module.SKETCH


def test_an_unpaired_surrogate_is_no_reason_to_fail() -> None:
    assert compared("one \ud800 two three", "one \ud800 two three") == SAME
