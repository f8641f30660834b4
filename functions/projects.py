"""HTTP: projects with their labels and operations, retraining and publishing."""

from __future__ import annotations

import azure.functions as func
from pydantic import ConfigDict, TypeAdapter

from functions.http import json_response, problem_response, read_body, read_json, read_request
from functions.operations import accepted
from shared.models.projects import ProjectName, ProjectRequest
from shared.operations.operation import PublishRequest, RetrainRequest
from shared.reports.bodies import Problem
from shared.reports.operations import operation_list
from shared.reports.projects import DeletedProject, project_body, stored_labels
from shared.services import Services

_NAME: TypeAdapter[str] = TypeAdapter(ProjectName, config=ConfigDict(defer_build=True))


def project_name(req: func.HttpRequest) -> str:
    """The project of the address. Raises BadRequestError."""
    return read_request(lambda: _NAME.validate_python(req.route_params.get("project")))


def put_project(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    result = services.projects.put(name, read_body(req, ProjectRequest))
    return json_response(project_body(result.project, services.promises.show(name)), 201 if result.created else 200)


def get_project(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    return json_response(project_body(services.projects.get(name), services.promises.show(name)))


def delete_project(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    if req.params.get("confirm") != name:
        detail = f"its models are lost for good; repeat with ?confirm={name}. Documents and records stay."
        return problem_response(Problem(title="Confirmation needed", status=409, detail=detail))
    services.projects.delete(name)
    return json_response(DeletedProject(name=name))


def put_labels(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    project = services.projects.get(project_name(req))
    try:
        content = read_json(req)
    except ValueError as error:
        return problem_response(Problem(title="The labels file is not JSON", status=400, detail=str(error)))
    return json_response(stored_labels(project, services.projects.put_labels(project, content)))


def retrain(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    return accepted(services.start_operations.retrain(name, read_body(req, RetrainRequest)))


def publish(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = project_name(req)
    return accepted(services.start_operations.publish(name, label=read_body(req, PublishRequest).model))


def list_operations(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    listed = services.operations.list(project_name(req))
    return json_response(operation_list(listed, before=req.params.get("before")))
