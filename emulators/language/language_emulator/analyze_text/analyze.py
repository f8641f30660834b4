"""GA analyze: submit a classification job, read its state and results, cancel it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.analyze_text import ANALYZE_BASE, ANALYZE_VERSIONS
from language_emulator.analyze_text.languages import is_supported
from language_emulator.analyze_text.requests import KINDS, Document, SubmitAnalysis, Task
from language_emulator.analyze_text.results import analysis_job_body
from language_emulator.analyze_text.routes import Version
from language_emulator.errors import ServiceError
from language_emulator.http.answers import accepted, answer
from language_emulator.http.links import link
from language_emulator.http.middleware import Faults, build_router
from language_emulator.http.paging import Page, read_results_page
from language_emulator.jobs.analysis import InputDocument, TaskOrder, check_batch
from language_emulator.jobs.records import AnalysisJob, AnalysisTask, JobFault
from language_emulator.service import LanguageService
from language_emulator.settings import UnknownReference

# Language detection came with a version between the two.
_DETECTION_SINCE = "2022-10"

ROUTES = (
    ("POST", "/jobs", "submit_analysis"),
    ("GET", "/jobs/{job_id}", "get_analysis"),
    ("POST", "/jobs/{job_id}:cancel", "cancel_analysis"),
)


class AnalyzeRoutes:
    """One method for each operation, named after it."""

    def __init__(self, service: LanguageService) -> None:
        self._service = service

    def router(self) -> APIRouter:
        middleware = self._service.middleware("the Language API", ANALYZE_VERSIONS)
        return build_router(middleware, ANALYZE_BASE, ROUTES, self)

    def submit_analysis(self, body: SubmitAnalysis, request: Request, version: Version, injected: Faults) -> Response:
        documents = [_input(document, version) for document in body.analysis_input.documents]
        check_batch(documents, missing_code="MissingInputDocuments")
        if not body.tasks:
            raise errors.tasks_required()
        orders = [self._order(task, index) for index, task in enumerate(body.tasks)]
        job = self._service.analysis.submit(
            documents,
            orders,
            display_name=body.display_name,
            life=self._service.result_life,
            injected=injected,
        )
        return accepted("operation-location", self._link(request, version, job.job_id))

    def get_analysis(
        self,
        job_id: str,
        request: Request,
        version: Version,
        injected: Faults,
        top: Annotated[int | None, Query()] = None,
        skip: Annotated[int | None, Query()] = None,
        show_stats: Annotated[bool, Query(alias="showStats")] = False,
    ) -> Response:
        page = read_results_page(top, skip, default=self._service.settings.page_size)
        job = self._service.job_store.read(AnalysisJob, job_id, injected)
        if job is None:
            raise errors.analysis_job_not_found(job_id)
        body = analysis_job_body(job, page, show_stats=show_stats, partial_word=self._service.settings.partial_word)
        following = page.following(job.result_count)
        if following is not None and not job.is_active:
            body["nextLink"] = self._link(request, version, job_id, following, show_stats=show_stats)
        return answer(body)

    def cancel_analysis(self, job_id: str, request: Request, version: Version) -> Response:
        if not self._service.job_store.cancel(AnalysisJob, job_id):
            raise errors.analysis_job_not_found(job_id)
        return accepted("operation-location", self._link(request, version, job_id))

    def _order(self, task: Task, index: int) -> TaskOrder:
        kind = KINDS.get(task.kind)
        if kind is None:
            raise errors.not_implemented(f"tasks of kind {task.kind}")
        if task.parameters is None:
            raise errors.body_invalid(f"tasks.{index}.parameters: Field required")
        name = task.task_name or task.kind
        named = AnalysisTask(
            kind=kind, name=name, project=task.parameters.project_name, deployment=task.parameters.deployment_name
        )
        try:
            return TaskOrder(named, self._model_guid(named, task.kind))
        except ServiceError as error:
            error.target = f"#/tasks/{index}"
            if self._service.settings.unknown_reference is UnknownReference.REFUSE:
                raise
            named.fault = JobFault(code=error.code, message=error.message, inner=error.inner)
            return TaskOrder(named, None)

    def _model_guid(self, task: AnalysisTask, kind_word: str) -> str:
        project, deployment = self._service.deployments.resolve(task.project, task.deployment)
        if project.kind is not task.kind:
            raise errors.model_kind_mismatch(kind_word, "")
        return deployment.model_guid

    def _link(
        self, request: Request, version: str, job_id: str, page: Page | None = None, *, show_stats: bool = False
    ) -> str:
        query: dict[str, str | int] = {"api-version": version}
        if page is not None:
            query |= {"top": page.size, "skip": page.skip}
        if show_stats:
            query["showStats"] = "true"
        return link(self._service.settings.external_url, request, f"{ANALYZE_BASE}/jobs/{job_id}", query)


def _input(document: Document, version: str) -> InputDocument:
    """A document without a language has the project's."""
    language = document.language or None
    detected = language == "auto" and version >= _DETECTION_SINCE
    unknown = None if language is None or detected or is_supported(language) else language
    return InputDocument(document.id, document.text, unknown_language=unknown)
