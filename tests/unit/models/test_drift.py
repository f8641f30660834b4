"""Whether documents have left the trial's distribution: what is flagged, how soon, and how seldom by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from scipy import stats

from shared.language.values import ProjectKind
from shared.models.distribution import TENTHS, Distribution, add_up
from shared.models.drift import BLOCK, FALSE_ALARMS, LEAST, RECENT, find_drift
from shared.models.threshold import MIN_DOCUMENTS
from shared.models.trial import AnsweredClass, Trial, TrialDocument, trial_distribution
from tests.fakes import START

SHARES = {"billing": 0.4, "shipping": 0.3, "legal": 0.2, "hr": 0.1}
SURE = (0, 0, 0, 1, 1, 2, 3, 5, 8, 20)
UNSURE = (0, 0, 2, 5, 8, 8, 7, 5, 3, 2)
GOLDEN = 1_000
BATCH = 25


def batches(
    documents: int, *, seed: int, shares: Mapping[str, float] = SHARES, tenths: Sequence[int] = SURE, size: int = BATCH
) -> list[Distribution]:
    """Of random documents with these shares of classes and weights of tenths, `size` in each."""
    random, found = Random(seed), []
    for begin in range(0, documents, size):
        number = min(size, documents - begin)
        classes = Counter(random.choices(list(shares), list(shares.values()), k=number))
        counts = Counter(random.choices(range(TENTHS), tenths, k=number))
        found.append(Distribution(number, classes, tuple(counts[tenth] for tenth in range(TENTHS))))
    return found


def shifted(points: float) -> dict[str, float]:
    """So much more of "hr", and less of the others in their proportions."""
    rest = 1 - SHARES["hr"]
    return {name: share + points if name == "hr" else share * (rest - points) / rest for name, share in SHARES.items()}


EXPECTED = add_up(batches(GOLDEN, seed=1))


def test_documents_like_the_trials_are_not_flagged() -> None:
    drift = find_drift(EXPECTED, [batches(500, seed=2)])
    assert drift is not None
    assert (drift.has_left, drift.confidence) == (False, None)
    assert drift.p_value > 0.05


def test_a_class_that_moved_is_flagged_and_named_with_its_shares() -> None:
    drift = find_drift(EXPECTED, [batches(250, seed=3, shares=shifted(0.15))])
    assert drift is not None
    assert (drift.has_left, drift.name, drift.documents, drift.confidence) == (True, "hr", 250, None)
    assert drift.share == pytest.approx(0.25, abs=0.05)
    assert drift.share_in_trial == pytest.approx(0.1, abs=0.03)


def test_a_class_that_the_trial_never_saw_is_flagged() -> None:
    drift = find_drift(EXPECTED, [batches(250, seed=4, shares=SHARES | {"spam": 0.1})])
    assert drift is not None
    assert (drift.has_left, drift.name, drift.share_in_trial) == (True, "spam", 0)


@pytest.mark.parametrize(("tenths", "direction"), [(UNSURE, "lower"), ((0, 0, 0, 0, 0, 0, 0, 0, 0, 1), "higher")])
def test_confidences_that_moved_by_themselves_are_flagged(tenths: Sequence[int], direction: str) -> None:
    drift = find_drift(EXPECTED, [batches(250, seed=5, tenths=tenths)])
    assert drift is not None
    assert (drift.has_left, drift.confidence) == (True, direction)


def test_documents_without_a_class_count_as_the_least_sure() -> None:
    silent = [Distribution(BATCH, {}, (0,) * TENTHS)] * 10
    drift = find_drift(EXPECTED, [silent])
    assert drift is not None
    assert (drift.has_left, drift.confidence, drift.share) == (True, "lower", 0)


def test_a_shift_is_seen_within_300_documents_however_many_came_before() -> None:
    stream = [*batches(10_000, seed=6), *batches(300, seed=7, shares=shifted(0.15))]
    drift = find_drift(EXPECTED, [stream])
    assert drift is not None
    assert (drift.has_left, drift.name, drift.documents) == (True, "hr", RECENT)


def test_a_small_shift_is_seen_in_all_documents_though_not_in_the_newest() -> None:
    stream = batches(10_000, seed=8, shares=shifted(0.06))
    newest = find_drift(EXPECTED, [stream[-10:]])
    drift = find_drift(EXPECTED, [stream])
    assert newest is not None
    assert drift is not None
    assert not newest.has_left
    assert (drift.has_left, drift.name, drift.documents) == (True, "hr", 10_000)


def test_who_looks_again_sees_the_same_until_a_block_is_full() -> None:
    whole = batches(300, seed=9, shares=shifted(0.08), size=10)
    looks = [find_drift(EXPECTED, [whole[:number]]) for number in range(21, 25)]
    assert looks[0] == looks[1] == looks[2]
    assert looks[2] != looks[3]


def test_the_rest_of_a_day_is_looked_at_once_the_day_is_over() -> None:
    day = batches(LEAST + BLOCK - 1, seed=10)
    today, later = find_drift(EXPECTED, [day]), find_drift(EXPECTED, [day, []])
    assert today is not None
    assert later is not None
    assert (today.documents, later.documents) == (LEAST, LEAST + BLOCK - 1)


def test_a_slow_stream_is_looked_at_over_days() -> None:
    days = [batches(10, seed=11 + number, shares={"spam": 1.0}) for number in range(6)]
    drift = find_drift(EXPECTED, [*days, []])
    assert drift is not None
    assert (drift.has_left, drift.documents) == (True, 60)


def test_the_p_value_is_the_smallest_of_all_tables_times_their_number() -> None:
    found = add_up(batches(200, seed=20, shares=shifted(0.05)))
    tables = [(found.classes.get(name, 0), EXPECTED.classes.get(name, 0)) for name in SHARES]
    tables += [(sum(found.confidence[:tenth]), sum(EXPECTED.confidence[:tenth])) for tenth in range(TENTHS)]
    theirs = []
    for now, before in tables:
        table = [[now, found.documents - now], [before, GOLDEN - before]]
        theirs.append(2 * min(stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")))

    drift = find_drift(EXPECTED, [[found]])

    assert drift is not None
    assert drift.p_value == pytest.approx(min(1.0, min(theirs) * len(tables)))


def test_classes_that_had_no_room_in_the_metadata_are_not_missed() -> None:
    stream = batches(250, seed=21)
    cut = [
        Distribution(
            each.documents,
            {name: number for name, number in each.classes.items() if name != "hr"},
            each.confidence,
            each.classes.get("hr", 0),
        )
        for each in stream
    ]
    unknown = [Distribution(each.documents, each.classes, each.confidence) for each in cut]
    drift, naive = find_drift(EXPECTED, [cut]), find_drift(EXPECTED, [unknown])
    assert drift is not None
    assert naive is not None
    assert (drift.has_left, naive.has_left) == (False, True)


def test_looks_at_documents_like_the_trials_are_false_alarms_as_seldom_as_stated() -> None:
    """Each of 3,000 looks with a trial of its own."""
    alarms = 0
    for seed in range(3_000):
        drift = find_drift(add_up(batches(240, seed=seed)), [batches(RECENT, seed=100_000 + seed)])
        assert drift is not None
        alarms += drift.has_left
    assert alarms <= 3_000 * FALSE_ALARMS


@pytest.mark.parametrize(("golden", "documents"), [(MIN_DOCUMENTS - 1, 500), (GOLDEN, LEAST - 1), (GOLDEN, 0)])
def test_of_too_few_documents_nothing_is_said(golden: int, documents: int) -> None:
    assert find_drift(add_up(batches(golden, seed=22)), [batches(documents, seed=23)]) is None


def test_the_trials_distribution_is_that_of_its_answers_and_not_of_its_labels() -> None:
    answered = TrialDocument(
        location="a.txt",
        etag='"1"',
        labels=("legal",),
        classes=(AnsweredClass(name="hr", confidence=0.92), AnsweredClass(name="billing", confidence=0.31)),
    )
    without = TrialDocument(location="b.txt", etag='"1"', labels=("legal",))
    failed = TrialDocument(location="c.txt", etag='"1"', labels=("hr",), error="refused")
    trial = Trial(
        project="letters",
        kind=ProjectKind.MULTI,
        label="first",
        api_version="2021-preview",
        ended=START,
        documents=(answered, without, failed),
    )
    assert trial_distribution(trial) == Distribution(2, {"hr": 1, "billing": 1}, (0, 0, 0, 1, 0, 0, 0, 0, 0, 0))
