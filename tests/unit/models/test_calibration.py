"""How often a confidence is right, learned from a trial, beside scikit-learn, which does not ship."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from shared.language.values import ProjectKind
from shared.models.calibration import calibrate, rising_shares
from shared.models.distribution import TENTHS, Distribution, tenth_of
from shared.models.threshold import MIN_DOCUMENTS
from shared.models.trial import AnsweredClass, Trial, TrialDocument
from tests.fakes import START


def document(confidence: float | None, *, right: bool, number: int = 0) -> TrialDocument:
    """Answered "hr" with this confidence, or nothing where it is None."""
    answered = () if confidence is None else (AnsweredClass(name="hr", confidence=confidence),)
    true = tuple(each.name for each in answered) if right else ("billing",)
    return TrialDocument(location=f"{number}.txt", etag='"1"', labels=true, classes=answered)


def trial_of(*documents: TrialDocument) -> Trial:
    return Trial(
        project="letters",
        kind=ProjectKind.SINGLE,
        label="first",
        api_version="2021-preview",
        ended=START,
        documents=documents,
    )


def random_results(number: int, *, seed: int, honesty: float = 1.0) -> list[tuple[float, bool]]:
    """Confidences, and whether the result is right: as often as `honesty` times what the confidence says."""
    random = Random(seed)
    confidences = [random.betavariate(3, 1.5) for _ in range(number)]
    return [(each, random.random() < honesty * each) for each in confidences]


def trial_of_results(results: list[tuple[float, bool]]) -> Trial:
    return trial_of(*(document(confidence, right=right) for confidence, right in results))


def all_hr(confidence: list[int], *, documents: int) -> Distribution:
    """All that have a class are "hr"."""
    return Distribution(documents, {"hr": sum(confidence)}, confidence)


@pytest.mark.parametrize(
    ("confidence", "tenth"),
    [(0, 0), (0.0999, 0), (0.1, 1), (0.3, 3), (0.6, 6), (0.7, 7), (0.8999, 8), (0.9, 9), (1, 9)],
)
def test_a_confidence_belongs_to_the_tenth_that_it_begins(confidence: float, tenth: int) -> None:
    assert tenth_of(confidence) == tenth


@pytest.mark.parametrize("seed", range(20))
def test_shares_that_fall_are_pooled_as_scikit_learn_does(seed: int) -> None:
    random = Random(seed)
    documents = [random.randint(1, 40) for _ in range(TENTHS)]
    right = [random.randint(0, each) for each in documents]
    shares = [hits / of for hits, of in zip(right, documents, strict=True)]
    theirs = IsotonicRegression().fit_transform(range(TENTHS), shares, sample_weight=documents)

    ours = rising_shares(right, of=documents)

    assert ours == pytest.approx(list(theirs))
    assert ours == sorted(ours)


def test_for_the_trials_own_documents_the_estimate_is_the_share_that_is_right() -> None:
    results = random_results(400, seed=1)
    calibration = calibrate(trial_of_results(results))
    assert calibration is not None

    estimate = calibration.accuracy(all_hr(tenths_of(results), documents=400))

    assert estimate == pytest.approx(sum(right for _, right in results) / 400)


def tenths_of(results: list[tuple[float, bool]]) -> list[int]:
    counts = [0] * TENTHS
    for confidence, _ in results:
        counts[tenth_of(confidence)] += 1
    return counts


@pytest.mark.parametrize("honesty", [1.0, 0.8, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_the_estimate_from_tenths_is_that_of_every_single_confidence(seed: int, honesty: float) -> None:
    """NannyML's estimate of accuracy without labels (CBPE) is the mean of confidences that isotonic regression has
    calibrated on a reference. Restated here with scikit-learn; tenths are all that ours knows."""
    reference = random_results(1_000, seed=seed, honesty=honesty)
    stream = [each for each in random_results(2_000, seed=100 + seed, honesty=honesty) if each[0] < 0.8]
    isotonic = IsotonicRegression(out_of_bounds="clip")
    isotonic.fit([confidence for confidence, _ in reference], [float(right) for _, right in reference])
    theirs = float(np.mean(isotonic.predict([confidence for confidence, _ in stream])))
    calibration = calibrate(trial_of_results(reference))
    assert calibration is not None

    ours = calibration.accuracy(all_hr(tenths_of(stream), documents=len(stream)))

    assert ours == pytest.approx(theirs, abs=0.01)
    assert ours == pytest.approx(honesty * float(np.mean([each for each, _ in stream])), abs=0.04)


def test_documents_that_became_less_sure_are_estimated_to_be_right_less_often() -> None:
    calibration = calibrate(trial_of_results(random_results(1_000, seed=3)))
    assert calibration is not None
    sure = calibration.accuracy(all_hr([0] * 9 + [100], documents=100))
    unsure = calibration.accuracy(all_hr([0] * 3 + [100] + [0] * 6, documents=100))
    assert sure is not None
    assert unsure is not None
    assert unsure < 0.5 < 0.85 < sure


def test_documents_without_a_class_are_right_as_often_as_those_of_the_trial() -> None:
    sure = [document(0.95, right=True) for _ in range(30)]
    none = [document(None, right=False) for _ in range(10)]
    calibration = calibrate(trial_of(*sure, *none))
    assert calibration is not None
    assert calibration.accuracy(all_hr([0] * 9 + [6], documents=10)) == pytest.approx(0.6)


def test_a_tenth_without_golden_documents_lies_between_its_neighbours() -> None:
    low = [document(0.25, right=number < 4, number=number) for number in range(20)]
    high = [document(0.65, right=number < 16, number=number) for number in range(20)]
    calibration = calibrate(trial_of(*low, *high))
    assert calibration is not None
    assert calibration.by_tenth == pytest.approx((0.2, 0.2, 0.2, 0.35, 0.5, 0.65, 0.8, 0.8, 0.8, 0.8))


def named(name: str, *, right: bool, number: int) -> TrialDocument:
    return TrialDocument(
        location=f"{name}-{number}.txt",
        etag='"1"',
        labels=(name if right else "other",),
        classes=(AnsweredClass(name=name, confidence=0.75),),
    )


def test_a_class_that_is_right_less_often_counts_where_it_is_more_frequent_than_in_the_trial() -> None:
    billing = [named("billing", right=number < 90, number=number) for number in range(100)]
    legal = [named("legal", right=number < 50, number=number) for number in range(100)]
    calibration = calibrate(trial_of(*billing, *legal))
    assert calibration is not None
    tenths = [0] * 7 + [100] + [0] * 2
    estimates = {
        share: calibration.accuracy(Distribution(100, {"billing": 100 - share, "legal": share}, tenths))
        for share in (0, 50, 100)
    }
    # Drawn a sixth of the way towards what both have in common: 20 of 120 documents.
    assert estimates == pytest.approx({0: 0.7 + 0.2 * 5 / 6, 50: 0.7, 100: 0.7 - 0.2 * 5 / 6})


def test_a_class_of_few_golden_documents_changes_little() -> None:
    billing = [named("billing", right=number < 90, number=number) for number in range(100)]
    calibration = calibrate(trial_of(*billing, named("legal", right=False, number=0)))
    assert calibration is not None
    assert calibration.more_of_class["legal"] == pytest.approx(-0.89 / 21, abs=0.001)


def test_the_classes_of_one_document_share_what_is_unexpected_of_it() -> None:
    both = TrialDocument(
        location="a.txt",
        etag='"1"',
        labels=("hr", "legal"),
        classes=(AnsweredClass(name="hr", confidence=0.75), AnsweredClass(name="legal", confidence=0.75)),
    )
    wrong = [named("billing", right=False, number=number) for number in range(40)]
    calibration = calibrate(trial_of(*[both] * 40, *wrong))
    assert calibration is not None
    assert calibration.more_of_class == pytest.approx({"hr": 1 / 6, "legal": 1 / 6, "billing": -1 / 3})


def test_an_estimate_is_a_share() -> None:
    billing = [named("billing", right=True, number=number) for number in range(100)]
    legal = [named("legal", right=number < 10, number=number) for number in range(100)]
    calibration = calibrate(trial_of(*billing, *legal))
    assert calibration is not None
    # Of classes that their tenth does not count: metadata that contradict each other.
    assert calibration.accuracy(Distribution(10, {"billing": 1_000}, [10] + [0] * 9)) == 1
    assert calibration.accuracy(Distribution(10, {"legal": 1_000}, [10] + [0] * 9)) == 0


def test_a_result_with_one_class_too_many_is_not_right() -> None:
    two = TrialDocument(
        location="a.txt",
        etag='"1"',
        labels=("hr",),
        classes=(AnsweredClass(name="hr", confidence=0.9), AnsweredClass(name="legal", confidence=0.55)),
    )
    calibration = calibrate(trial_of(*[two] * 40))
    assert calibration is not None
    assert calibration.accuracy(all_hr([0] * 5 + [7] + [0] * 4, documents=7)) == 0


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [document(0.9, right=True)] * (MIN_DOCUMENTS - 1),
        [document(None, right=False)] * 100,
        [document(0.9, right=True).model_copy(update={"error": "refused"})] * 100,
    ],
)
def test_a_trial_that_shows_too_little_gives_no_calibration(documents: list[TrialDocument]) -> None:
    assert calibrate(trial_of(*documents)) is None


def test_of_no_documents_there_is_no_estimate() -> None:
    calibration = calibrate(trial_of_results(random_results(100, seed=4)))
    assert calibration is not None
    assert calibration.accuracy(all_hr([0] * TENTHS, documents=0)) is None
