"""HTTP: health, pipeline status, where a document is, jobs, classify again."""

from __future__ import annotations

import azure.functions as func

from functions.problems import answer, answers_problems, problem
from shared.documents.ref import is_document_name
from shared.pipeline.health import check_health
from shared.pipeline.status import classify_again, document_status, job_status, list_jobs, pipeline_status
from shared.services import Services

CLASSIFY = "/classify"


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    pipeline = services.pipeline

    @bp.function_name("get_health")
    @bp.route(route="health", methods=["GET"])
    @answers_problems
    def get_health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        report = check_health(pipeline, operations_queue=services.training.operations_queue)
        return answer(report, 200 if report["healthy"] else 503)

    @bp.function_name("get_status")
    @bp.route(route="status", methods=["GET"])
    @answers_problems
    def get_status(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return answer(pipeline_status(pipeline) | {"active_model": services.training.active_model.describe()})

    @bp.function_name("get_document")
    @bp.route(route="documents/{*path}", methods=["GET"])
    @answers_problems
    def get_document(req: func.HttpRequest) -> func.HttpResponse:
        name = _name(req)
        if not name:
            return problem(400, "No document named", "ask for /api/documents/{name}, or /api/documents?name=...")
        status = document_status(pipeline, name)
        return answer(status) if status else _unknown_document(name)

    @bp.function_name("classify_document")
    @bp.route(route="documents/{*path}", methods=["POST"])
    @answers_problems
    def classify_document(req: func.HttpRequest) -> func.HttpResponse:
        name = _name(req)
        if not (req.route_params.get("path") or "").endswith(CLASSIFY.lstrip("/")) or not name:
            return problem(404, "No such address", "POST to /api/documents/{name}/classify")
        if not is_document_name(name):
            return problem(400, "Not a document", f"only .txt blobs are classified, {name!r} is not one", name=name)
        document = classify_again(pipeline, name)
        if document is None:
            return _unknown_document(name)
        return answer({"name": name, "etag": document.etag, "state": "sent"}, 202)

    _register_jobs(bp, services)
    return bp


def _register_jobs(bp: func.Blueprint, services: Services) -> None:
    pipeline = services.pipeline

    @bp.function_name("list_jobs")
    @bp.route(route="jobs", methods=["GET"])
    @answers_problems
    def get_jobs(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return answer({"jobs": list_jobs(pipeline)})

    @bp.function_name("get_job")
    @bp.route(route="jobs/{id}", methods=["GET"])
    @answers_problems
    def get_job(req: func.HttpRequest) -> func.HttpResponse:
        job_id = req.route_params.get("id") or ""
        job = job_status(pipeline, job_id)
        unknown = f"no job {job_id!r}, open or closed in the last 30 days"
        return answer(job) if job else problem(404, "Unknown job", unknown)


def _name(req: func.HttpRequest) -> str:
    """The document's name: `?name=` where its characters do not travel well in a path, else the rest of the path."""
    asked = req.params.get("name")
    path = req.route_params.get("path") or ""
    return asked or path.removesuffix(CLASSIFY).removesuffix(CLASSIFY.lstrip("/"))


def _unknown_document(name: str) -> func.HttpResponse:
    return problem(
        404, "Unknown document", f"no blob and no record is called {name!r}; names are case-sensitive", name=name
    )
