"""How long jobs took lately, and so when a new one is looked at first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.batches.batch import BatchDocument, plan_batch
from shared.batches.job_times import REMEMBERED, JobTimes
from shared.durable.steps import NotReady
from shared.language.values import AnalyzeJob, LroStatus
from tests.fakes import START
from tests.services_on_fakes import PipelineOnFakes


def ended(seconds: float | None) -> AnalyzeJob:
    """A job that took this long; None for one whose answer does not say."""
    updated = None if seconds is None else START + timedelta(seconds=seconds)
    return AnalyzeJob(status=LroStatus.SUCCEEDED, created=START, updated=updated, expires=None)


@pytest.mark.parametrize(
    ("took", "expected"),
    [
        ([], 0),
        ([None], 0),
        ([3], 3),
        ([2, 2, 60], 2),
        ([1, 2], 1),
        ([60, 60], 5),
        ([-1], 0),
        ([4] * REMEMBERED + [1] * (REMEMBERED // 2), 4),
        ([4] * REMEMBERED + [1] * (REMEMBERED // 2 + 1), 1),
    ],
    ids=[
        "nothing was seen",
        "an answer without times",
        "one job",
        "one that was slow",
        "the earlier of two",
        "5 seconds at most",
        "a service whose clock went back",
        "most are still slow",
        "most have become fast",
    ],
)
def test_the_next_job_is_expected_to_take_the_median_of_the_last(took: list[float | None], expected: float) -> None:
    job_times = JobTimes()
    for seconds in took:
        job_times.note(ended(seconds))
    assert job_times.expected() == timedelta(seconds=expected)


def test_a_new_job_is_expected_to_take_as_long_as_those_whose_results_were_read() -> None:
    world = PipelineOnFakes()
    world.publish()
    steps = world.services.batch_steps
    steps.poll.job_times.note(ended(3))
    document = world.upload("a.txt", "about billing", event=False)
    stored = world.batches.store.create(plan_batch([BatchDocument(document=document)], START))
    assert stored is not None
    following = steps.submit(stored)
    assert isinstance(following, NotReady)
    assert following.expected == timedelta(seconds=3)
