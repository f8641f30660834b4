"""Is the answer the one to our request? A cache or a mix-up at the service would give documents wrong classes. Pure.

Letter case is ignored: an id or a name in other letters is no other id.
"""

from __future__ import annotations

from shared.errors import MalformedAnswerError
from shared.language.values import AnalyzeJob, ModelRef


def is_same(answered: str | None, *, asked: str) -> bool:
    """True also for an answer that does not say."""
    return not answered or answered.casefold() == asked.casefold()


def check_submission(job: AnalyzeJob, *, display_name: str, model: ModelRef) -> AnalyzeJob:
    """The job, if it is what was submitted under `display_name` to `model`. Raises MalformedAnswerError.

    What an answer does not say is not compared. That its job id is the one asked for, its reader has seen to.
    """
    if not is_same(job.display_name, asked=display_name):
        raise MalformedAnswerError("the answer is about another submission: its display name is not ours")
    if not is_same(job.project, asked=model.project):
        raise MalformedAnswerError(f"the answer is of another project than {model.project!r}")
    if not is_same(job.deployment, asked=model.reference):
        raise MalformedAnswerError(f"the answer is of another deployment than {model.reference!r}")
    return job
