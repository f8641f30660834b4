"""HTTP: models, how well they do, on golden documents too, and two of them compared."""

from __future__ import annotations

from typing import Annotated

import azure.functions as func
from pydantic import ConfigDict, Field, TypeAdapter

from functions.http import json_response, problem_response, read_request
from functions.projects import project_name
from shared.errors import quoted
from shared.models.evaluations import compare, evaluation_figures
from shared.reports.bodies import Problem
from shared.reports.projects import DeletedModel, EvaluationBody, model_list, validation_body
from shared.services import Services

_SKIP: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0)], config=ConfigDict(defer_build=True))


def list_models(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    in_use = services.active_model.find_label_to_show(name)
    return json_response(model_list(services.projects.list_models(name), in_use=in_use))


def delete_model(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    return _delete(
        services, project_name(req), label=req.route_params.get("model") or "", confirm=req.params.get("confirm")
    )


def get_evaluation(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    model = req.params.get("model")
    if not model:
        return _which_model()
    found = services.projects.get_evaluation(project_name(req), label=model)
    return json_response(EvaluationBody(kind=found.kind, **dict(evaluation_figures(model, found))))


def get_validation(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    model, only = req.params.get("model"), req.params.get("only")
    if not model:
        return _which_model()
    if only not in (None, "mismatched"):
        detail = f"only={quoted(only)}; the one filter is only=mismatched"
        return problem_response(Problem(title="Unknown filter", status=400, detail=detail))
    skip = read_request(lambda: _SKIP.validate_python(req.params.get("skip", "0")))
    documents = services.projects.list_reviewed(project_name(req), label=model)
    return json_response(validation_body(model, documents, only_mismatched=only is not None, skip=skip))


def get_trial(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    label = req.route_params.get("model") or ""
    found = services.trial_report(project_name(req), model=label)
    if found is None:
        detail = f"model {quoted(label)} has classified no golden documents: a retraining tries its model on them"
        return problem_response(Problem(title="No trial", status=404, detail=detail))
    return json_response(found)


def compare_models(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    labels = [label for label in (req.params.get("models") or "").split(",") if label]
    if len(labels) != 2:
        return problem_response(Problem(title="Which models?", status=400, detail="name two: ?models=first,second"))
    found = (services.projects.get_evaluation(name, label=label) for label in labels)
    first, second = (evaluation_figures(label, each) for label, each in zip(labels, found, strict=True))
    return json_response(compare(first, second))


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
