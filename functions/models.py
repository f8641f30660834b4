"""HTTP: models, how well they do, and two of them compared."""

from __future__ import annotations

from typing import Annotated

import azure.functions as func
from pydantic import ConfigDict, Field, TypeAdapter

from functions.http import handles_errors, json_response, problem_response, read_request
from functions.projects import project_name
from shared.errors import quoted
from shared.models.evaluations import compare, evaluation_figures
from shared.reports.bodies import Problem
from shared.reports.projects import DeletedModel, EvaluationBody, model_list, validation_body
from shared.services import Services

_SKIP: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0)], config=ConfigDict(defer_build=True))


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    projects, active_model = services.projects, services.active_model

    @bp.function_name("list_models")
    @bp.route(route="projects/{project}/models", methods=["GET"])
    @handles_errors
    def models(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        return json_response(model_list(projects.list_models(name), in_use=active_model.find_label_to_show(name)))

    @bp.function_name("delete_model")
    @bp.route(route="projects/{project}/models/{model}", methods=["DELETE"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def delete_model(req: func.HttpRequest) -> func.HttpResponse:
        return _delete(
            services, project_name(req), label=req.route_params.get("model") or "", confirm=req.params.get("confirm")
        )

    @bp.function_name("get_evaluation")
    @bp.route(route="projects/{project}/evaluation", methods=["GET"])
    @handles_errors
    def evaluation(req: func.HttpRequest) -> func.HttpResponse:
        model = req.params.get("model")
        if not model:
            return _which_model()
        found = projects.get_evaluation(project_name(req), label=model)
        return json_response(EvaluationBody(kind=found.kind, **dict(evaluation_figures(model, found))))

    @bp.function_name("get_validation")
    @bp.route(route="projects/{project}/validation", methods=["GET"])
    @handles_errors
    def validation(req: func.HttpRequest) -> func.HttpResponse:
        model, only = req.params.get("model"), req.params.get("only")
        if not model:
            return _which_model()
        if only not in (None, "mismatched"):
            detail = f"only={quoted(only)}; the one filter is only=mismatched"
            return problem_response(Problem(title="Unknown filter", status=400, detail=detail))
        skip = read_request(lambda: _SKIP.validate_python(req.params.get("skip", "0")))
        documents = projects.list_reviewed(project_name(req), label=model)
        return json_response(validation_body(model, documents, only_mismatched=only is not None, skip=skip))

    @bp.function_name("compare_models")
    @bp.route(route="projects/{project}/compare", methods=["GET"])
    @handles_errors
    def compare_models(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        labels = [label for label in (req.params.get("models") or "").split(",") if label]
        if len(labels) != 2:
            return problem_response(Problem(title="Which models?", status=400, detail="name two: ?models=first,second"))
        first, second = (evaluation_figures(label, projects.get_evaluation(name, label=label)) for label in labels)
        return json_response(compare(first, second))

    return bp


def _delete(services: Services, project: str, *, label: str, confirm: str | None) -> func.HttpResponse:
    if confirm != label:
        detail = f"the model is lost for good; repeat with ?confirm={label}"
        return problem_response(Problem(title="Confirmation needed", status=409, detail=detail))
    services.operations.refuse_while_running(project)
    services.unneeded_models.delete(services.projects.api, project, label=label)
    return json_response(DeletedModel(model=label))


def _which_model() -> func.HttpResponse:
    detail = "name it: ?model=..., see GET .../models"
    return problem_response(Problem(title="Which model?", status=400, detail=detail))
