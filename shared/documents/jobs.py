"""Reading the analyze jobs that documents were submitted in."""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import MalformedAnswerError
from shared.language.answers import check_submission
from shared.language.apis.base import Call, LanguageApi
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, AnalyzeJob, ModelRef

# More pages than 25 texts can fill mean that the next links go in circles.
MAX_PAGES = 30


def read_pages(
    language: LanguageClient, api: LanguageApi, *, job_id: str, display_name: str, model: ModelRef
) -> Iterator[AnalyzeJob]:
    """The job's state, and once it is terminal every further page of its results.

    `display_name` and `model` are what it was submitted with: an answer to anything else raises MalformedAnswerError.
    """

    def send(call: Call[AnalyzeJob]) -> AnalyzeJob:
        return check_submission(language.send(call), display_name=display_name, model=model)

    page = send(api.get_analyze_job(job_id, page=api.page_of_all_results))
    yield page
    for _ in range(MAX_PAGES):
        if page.status not in TERMINAL or page.next_page is None:
            return
        page = send(api.get_analyze_job(job_id, page=page.next_page))
        yield page
    raise MalformedAnswerError(f"the results of job {job_id} have more than {MAX_PAGES} pages")
