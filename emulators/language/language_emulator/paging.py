"""Pages of a classification job's results. `skip` is applied first, and both count documents of each task."""

from __future__ import annotations

from dataclasses import dataclass

from language_emulator import errors
from language_emulator.jobs import AnalysisJob, AnalysisTask, DocumentOutcome
from language_emulator.limits import PAGE_MAXIMUM


@dataclass(frozen=True)
class Page:
    """A window on the documents, in the order they were sent."""

    top: int
    skip: int

    def of(self, task: AnalysisTask) -> list[DocumentOutcome]:
        return task.outcomes[self.skip : self.skip + self.top]

    def following(self, job: AnalysisJob) -> Page | None:
        """The next page, or None when this one reaches the end of every task."""
        end = self.skip + self.top
        return Page(self.top, end) if any(len(task.outcomes) > end for task in job.tasks) else None


def read_page(top: int | None, skip: int | None, *, default: int) -> Page:
    if top is not None and not 1 <= top <= PAGE_MAXIMUM:
        raise errors.parameter_invalid("top", f"it must be 1 to {PAGE_MAXIMUM}")
    if skip is not None and skip < 0:
        raise errors.parameter_invalid("skip", "it must not be negative")
    return Page(default if top is None else top, skip or 0)
