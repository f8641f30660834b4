"""HTTP: projects and their labels, retraining and publishing, models and their review."""

from __future__ import annotations

import json

import azure.functions as func
from pydantic import BaseModel, ConfigDict, TypeAdapter

from functions.problems import answer, answers_problems, problem, read_body, read_request
from shared.services import Services
from shared.training.operation import Operation, RetrainRequest
from shared.training.operations import list_operations
from shared.training.projects import (
    ProjectName,
    ProjectRequest,
    delete_project,
    find_project,
    labels_blob,
    project_body,
    put_labels,
    put_project,
)
from shared.training.review import comparison_body, evaluation_body, models_body, validation_body
from shared.training.start import start_publish, start_retrain

_NAME: TypeAdapter[str] = TypeAdapter(ProjectName)


class PublishRequest(BaseModel):
    """Body of POST .../publish."""

    model_config = ConfigDict(extra="forbid")

    model: str


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    _register_project(bp, services)
    _register_training(bp, services)
    _register_review(bp, services)
    return bp


def _project(req: func.HttpRequest) -> str:
    return read_request(lambda: _NAME.validate_python(req.route_params.get("project")))


def accepted(operation: Operation) -> func.HttpResponse:
    """202 with the address where the operation can be followed."""
    address = f"/api/operations/{operation.id}"
    body = {"id": operation.id, "operation": address, "state": operation.state.value, "model": operation.label}
    return answer(body, 202, {"Location": address, "Retry-After": "5"})


def _register_project(bp: func.Blueprint, services: Services) -> None:
    training = services.training

    @bp.function_name("put_project")
    @bp.route(route="projects/{project}", methods=["PUT"])
    @answers_problems
    def put(req: func.HttpRequest) -> func.HttpResponse:
        result = put_project(training, _project(req), read_body(req, ProjectRequest))
        return answer(project_body(result.project), 201 if result.created else 200)

    @bp.function_name("get_project")
    @bp.route(route="projects/{project}", methods=["GET"])
    @answers_problems
    def get(req: func.HttpRequest) -> func.HttpResponse:
        name = _project(req)
        project = find_project(training, name)
        return answer(project_body(project)) if project else _unknown_project(name)

    @bp.function_name("delete_project")
    @bp.route(route="projects/{project}", methods=["DELETE"])
    @answers_problems
    def delete(req: func.HttpRequest) -> func.HttpResponse:
        name = _project(req)
        if req.params.get("confirm") != name:
            detail = f"its models are gone for good; repeat with ?confirm={name}. Documents and results stay."
            return problem(409, "Confirmation needed", detail)
        return answer({"name": name, "deleted": True}) if delete_project(training, name) else _unknown_project(name)

    @bp.function_name("put_labels")
    @bp.route(route="projects/{project}/labels", methods=["PUT"])
    @answers_problems
    def labels(req: func.HttpRequest) -> func.HttpResponse:
        name = _project(req)
        project = find_project(training, name)
        if project is None:
            return _unknown_project(name)
        try:
            content = json.loads(req.get_body())
        except ValueError as error:
            return problem(400, "The labels file is not JSON", str(error))
        stored = put_labels(training, project, content)
        return answer({"documents": len(stored.documents), "classes": stored.counts, "stored": labels_blob(project)})


def _register_training(bp: func.Blueprint, services: Services) -> None:
    training = services.training

    @bp.function_name("retrain")
    @bp.route(route="projects/{project}/retrain", methods=["POST"])
    @answers_problems
    def retrain(req: func.HttpRequest) -> func.HttpResponse:
        return accepted(start_retrain(training, _project(req), read_body(req, RetrainRequest)))

    @bp.function_name("publish")
    @bp.route(route="projects/{project}/publish", methods=["POST"])
    @answers_problems
    def publish(req: func.HttpRequest) -> func.HttpResponse:
        return accepted(start_publish(training, _project(req), read_body(req, PublishRequest).model))

    @bp.function_name("list_operations")
    @bp.route(route="projects/{project}/operations", methods=["GET"])
    @answers_problems
    def operations(req: func.HttpRequest) -> func.HttpResponse:
        return answer({"operations": list_operations(training, _project(req))})


def _register_review(bp: func.Blueprint, services: Services) -> None:
    training = services.training

    @bp.function_name("list_models")
    @bp.route(route="projects/{project}/models", methods=["GET"])
    @answers_problems
    def models(req: func.HttpRequest) -> func.HttpResponse:
        return answer({"models": models_body(training, _project(req))})

    @bp.function_name("get_evaluation")
    @bp.route(route="projects/{project}/evaluation", methods=["GET"])
    @answers_problems
    def evaluation(req: func.HttpRequest) -> func.HttpResponse:
        model = req.params.get("model")
        return answer(evaluation_body(training, _project(req), model)) if model else _which_model()

    @bp.function_name("get_validation")
    @bp.route(route="projects/{project}/validation", methods=["GET"])
    @answers_problems
    def validation(req: func.HttpRequest) -> func.HttpResponse:
        model, only = req.params.get("model"), req.params.get("only")
        if not model:
            return _which_model()
        if only not in (None, "mismatched"):
            return problem(400, "Unknown filter", f"only={only!r}; the one filter is only=mismatched")
        return answer(validation_body(training, _project(req), model, only_mismatched=only is not None))

    @bp.function_name("compare_models")
    @bp.route(route="projects/{project}/compare", methods=["GET"])
    @answers_problems
    def compare(req: func.HttpRequest) -> func.HttpResponse:
        models = [model for model in (req.params.get("models") or "").split(",") if model]
        if len(models) != 2:
            return problem(400, "Which models?", "name two: ?models=first,second")
        return answer(comparison_body(training, _project(req), *models))


def _unknown_project(name: str) -> func.HttpResponse:
    return problem(404, "Unknown project", f"project {name!r} does not exist; create it with PUT /api/projects/{name}")


def _which_model() -> func.HttpResponse:
    return problem(400, "Which model?", "name it: ?model=..., see GET .../models")
