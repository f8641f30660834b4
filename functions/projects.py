"""HTTP: projects and their labels, retraining and publishing."""

from __future__ import annotations

from functools import partial

import azure.functions as func
from pydantic import ConfigDict, TypeAdapter

from functions.http import handles_errors, json_response, problem_response, read_body, read_json, read_request
from functions.operations import accepted
from shared.models.projects import ProjectName, ProjectRequest
from shared.operations.operation import PublishRequest, RetrainRequest
from shared.reports.bodies import Problem
from shared.reports.operations import operation_list
from shared.reports.projects import DeletedProject, project_body, stored_labels
from shared.services import Services

# The service's 100,000 documents in one line each, or 50,000 as people indent them.
MAX_LABELS_BYTES = 16 * 1024 * 1024

_NAME: TypeAdapter[str] = TypeAdapter(ProjectName, config=ConfigDict(defer_build=True))


def project_name(req: func.HttpRequest) -> str:
    """The project of the address. Raises BadRequestError."""
    return read_request(lambda: _NAME.validate_python(req.route_params.get("project")))


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    projects, promises = services.projects, services.promises

    @bp.function_name("put_project")
    @bp.route(route="projects/{project}", methods=["PUT"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def put(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        result = projects.put(name, read_body(req, ProjectRequest))
        return json_response(project_body(result.project, promises.show(name)), 201 if result.created else 200)

    @bp.function_name("get_project")
    @bp.route(route="projects/{project}", methods=["GET"])
    @handles_errors
    def get(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        return json_response(project_body(projects.get(name), promises.show(name)))

    @bp.function_name("delete_project")
    @bp.route(route="projects/{project}", methods=["DELETE"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def delete(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        if req.params.get("confirm") != name:
            detail = f"its models are lost for good; repeat with ?confirm={name}. Documents and records stay."
            return problem_response(Problem(title="Confirmation needed", status=409, detail=detail))
        projects.delete(name)
        return json_response(DeletedProject(name=name))

    @bp.function_name("put_labels")
    @bp.route(route="projects/{project}/labels", methods=["PUT"], auth_level=func.AuthLevel.ADMIN)
    @partial(handles_errors, max_body=MAX_LABELS_BYTES)
    def labels(req: func.HttpRequest) -> func.HttpResponse:
        project = projects.get(project_name(req))
        try:
            content = read_json(req)
        except ValueError as error:
            return problem_response(Problem(title="The labels file is not JSON", status=400, detail=str(error)))
        return json_response(stored_labels(project, projects.put_labels(project, content)))

    @bp.function_name("retrain")
    @bp.route(route="projects/{project}/retrain", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def retrain(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        return accepted(services.start_operations.retrain(name, read_body(req, RetrainRequest)))

    @bp.function_name("publish")
    @bp.route(route="projects/{project}/publish", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def publish(req: func.HttpRequest) -> func.HttpResponse:
        name = project_name(req)
        return accepted(services.start_operations.publish(name, label=read_body(req, PublishRequest).model))

    @bp.function_name("list_operations")
    @bp.route(route="projects/{project}/operations", methods=["GET"])
    @handles_errors
    def operations(req: func.HttpRequest) -> func.HttpResponse:
        listed = services.operations.list(project_name(req))
        return json_response(operation_list(listed, before=req.params.get("before")))

    return bp
