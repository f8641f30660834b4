"""Whether documents have left the distribution of a model's trial: other classes, or other confidences. Pure.

Compared with the trial's are two samples of what was classified since: the newest documents (RECENT at least), which
show a change soon, and all of them, which show a small one. In each sample the share of every class and the share of
confidences below each tenth are tested against the trial's by Fisher's exact test, and the smallest p-value counts as
many times as there are tests (Bonferroni). So one look finds drift by chance in at most FALSE_ALARMS of all cases,
however many classes there are, where documents come independently of each other.

Every look at other documents is another chance of a false alarm, so that looking often must not be testing often.
Documents are therefore taken in blocks of BLOCK or more, cut from the start of each day: until the next block is full,
every look is at the same documents and has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

from shared.models.distribution import Distribution, add_up
from shared.models.statistics import fisher_exact
from shared.models.threshold import MIN_DOCUMENTS

# Of documents. A shift is seen at the latest when all of the newest are past it: RECENT and BLOCK after it began.
RECENT, BLOCK = 275, 25
# Of fewer documents nothing is said.
LEAST = 50
# Of one look. A window of 500 documents has twenty, most of them at the same documents as the one before: measured
# (bench/trust/metrics.py), 1 window in 200 has a false alarm at most.
FALSE_ALARMS = 0.001
# How much of it the newest may use up: they matter most.
_SHARE_OF_RECENT = 0.8


Direction: TypeAlias = Literal["lower", "higher"]


@dataclass(frozen=True)
class Drift:
    """The outcome of one look at `documents`: the newest, or all where those show more.

    `p_value` is corrected for all tests of the look. `name` is the class that moved most, with its share of the
    documents and in the trial. `confidence` says which way where confidences have moved by themselves.
    """

    has_left: bool
    p_value: float
    documents: int
    name: str | None
    share: float
    share_in_trial: float
    confidence: Direction | None


def find_drift(expected: Distribution, days: Sequence[Sequence[Distribution]]) -> Drift | None:
    """Compare what came on `days`, each in the order of its coming and the last of them not over yet, with the trial's.

    None where the trial has fewer than MIN_DOCUMENTS, or full blocks have fewer than LEAST.
    """
    blocks = [block for number, day in enumerate(days) for block in _blocks(day, is_over=number < len(days) - 1)]
    everything = add_up(blocks)
    if expected.documents < MIN_DOCUMENTS or everything.documents < LEAST:
        return None
    recent = add_up(_newest(blocks))
    if recent.documents == everything.documents:
        return _compare(expected, recent, weight=1.0)
    looks = (
        _compare(expected, recent, weight=_SHARE_OF_RECENT),
        _compare(expected, everything, weight=1 - _SHARE_OF_RECENT),
    )
    return min(looks, key=lambda look: look.p_value)


def _blocks(day: Sequence[Distribution], *, is_over: bool) -> Iterator[Distribution]:
    """What is left over at the end of a day is a block too: nothing will be added to it."""
    parts: list[Distribution] = []
    documents = 0
    for part in day:
        parts.append(part)
        documents += part.documents
        if documents >= BLOCK:
            yield add_up(parts)
            parts, documents = [], 0
    if parts and is_over:
        yield add_up(parts)


def _newest(blocks: Sequence[Distribution]) -> Iterator[Distribution]:
    documents = 0
    for block in reversed(blocks):
        if documents >= RECENT:
            return
        documents += block.documents
        yield block


def _compare(expected: Distribution, found: Distribution, *, weight: float) -> Drift:
    by_class = {name: _class_p_value(name, expected, found) for name in sorted({*expected.classes, *found.classes})}
    below = [
        _tenth_p_value(expected, found, before=before, now=now)
        for before, now in zip(_below(expected), _below(found), strict=True)
    ]
    tests = (len(by_class) + len(below)) / weight
    surest = min([*by_class.values(), *(p_value for p_value, _ in below)])
    name = min(by_class, key=lambda each: by_class[each], default=None)
    moved, is_lower = min(below)
    p_value = min(1.0, surest * tests)
    return Drift(
        has_left=p_value <= FALSE_ALARMS,
        p_value=p_value,
        documents=found.documents,
        name=name,
        share=found.classes.get(name, 0) / found.documents if name is not None else 0.0,
        share_in_trial=expected.classes.get(name, 0) / expected.documents if name is not None else 0.0,
        confidence=("lower" if is_lower else "higher") if moved * tests <= FALSE_ALARMS else None,
    )


def _class_p_value(name: str, expected: Distribution, found: Distribution) -> float:
    """Of answers whose class is not known, as many as make the class look most like the trial's are taken for it."""
    number, before = found.classes.get(name, 0), expected.classes.get(name, 0)
    like_the_trial = round(before * found.documents / expected.documents)
    most = min(number + found.other_classes, found.documents)
    taken = min(max(number, like_the_trial), max(number, most))
    return fisher_exact(taken, of=found.documents, other=before, of_other=expected.documents)


def _below(distribution: Distribution) -> list[int]:
    """Documents without a class, and then those with a confidence below 0.1, 0.2, ... 0.9 as well."""
    without = distribution.without_class
    return [without + number for number in accumulate(distribution.confidence[:-1], initial=0)]


def _tenth_p_value(expected: Distribution, found: Distribution, *, before: int, now: int) -> tuple[float, bool]:
    """With whether confidences are lower than in the trial."""
    p_value = fisher_exact(now, of=found.documents, other=before, of_other=expected.documents)
    return p_value, now * expected.documents > before * found.documents
