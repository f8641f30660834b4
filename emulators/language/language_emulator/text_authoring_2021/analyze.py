"""Analyze operations of the 2021 preview: submit a classification job, read its status and results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.http.answers import accepted, answer
from language_emulator.http.links import link
from language_emulator.http.middleware import Faults, build_router
from language_emulator.http.paging import Page, read_results_page
from language_emulator.jobs.analysis import InputDocument, TaskOrder, check_batch
from language_emulator.jobs.records import AnalysisJob, AnalysisTask
from language_emulator.projects.records import ProjectKind
from language_emulator.service import LanguageService
from language_emulator.text_authoring_2021 import ANALYZE_BASE, ANALYZE_VERSION
from language_emulator.text_authoring_2021.requests import SubmitAnalysis, Task
from language_emulator.text_authoring_2021.results import analysis_job_body, list_name

Number = Annotated[int | None, Query()]

ROUTES = (
    ("POST", "/analyze", "submit_analysis"),
    ("GET", "/analyze/jobs/{job_id}", "get_analysis"),
)


class PreviewAnalyze:
    """One method for each operation, named after it."""

    def __init__(self, service: LanguageService) -> None:
        self._service = service

    def router(self) -> APIRouter:
        return build_router(
            self._service.middleware(f"the Text Analytics API {ANALYZE_VERSION}"), ANALYZE_BASE, ROUTES, self
        )

    def submit_analysis(self, body: SubmitAnalysis, request: Request, injected: Faults) -> Response:
        documents = [InputDocument(document.id, document.text) for document in body.analysis_input.documents]
        check_batch(documents, missing_code="MissingInputRecords")
        orders = [
            self._order(kind, task, index) for kind, tasks in _listed_tasks(body) for index, task in enumerate(tasks)
        ]
        if not orders:
            raise errors.tasks_required()
        job = self._service.analysis.submit(
            documents,
            orders,
            display_name=body.display_name,
            life=self._service.result_life,
            injected=injected,
        )
        return accepted("operation-location", self._job_link(request, job.job_id))

    def get_analysis(
        self,
        job_id: str,
        request: Request,
        injected: Faults,
        dollar_top: Annotated[int | None, Query(alias="$top")] = None,
        dollar_skip: Annotated[int | None, Query(alias="$skip")] = None,
        top: Number = None,
        skip: Number = None,
    ) -> Response:
        settings = self._service.settings
        page = read_results_page(_first(dollar_top, top), _first(dollar_skip, skip), default=settings.page_size)
        job = self._service.job_store.read(AnalysisJob, job_id, injected)
        if job is None:
            raise errors.analysis_job_not_found(job_id)
        body = analysis_job_body(job, page, settings.preview_form)
        following = page.following(job.result_count)
        if following is not None and not job.is_active:
            body["@nextLink"] = self._job_link(request, job_id, following)
        return answer(body)

    def _order(self, kind: ProjectKind, task: Task, index: int) -> TaskOrder:
        """Refuse an unknown model, and a model of the other kind, with the request as a whole."""
        target = f"#/tasks/{list_name(kind)}/{index}"
        model_id = task.parameters.model_id
        found = self._service.publishing.find(model_id)
        if found is None:
            raise errors.model_unknown(model_id, target)
        project, publication = found
        if project.kind is not kind:
            raise errors.model_kind_mismatch(list_name(kind), target)
        name = task.task_name or model_id
        return TaskOrder(AnalysisTask(kind=kind, name=name, model_id=model_id), publication.model_guid)

    def _job_link(self, request: Request, job_id: str, page: Page | None = None) -> str:
        query: dict[str, Any] | None = {"$top": page.size, "$skip": page.skip} if page else None
        return link(self._service.settings.external_url, request, f"{ANALYZE_BASE}/analyze/jobs/{job_id}", query)


def _listed_tasks(body: SubmitAnalysis) -> Iterator[tuple[ProjectKind, list[Task]]]:
    yield ProjectKind.SINGLE_LABEL, body.tasks.custom_classification_tasks
    yield ProjectKind.MULTI_LABEL, body.tasks.custom_multi_classification_tasks


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
