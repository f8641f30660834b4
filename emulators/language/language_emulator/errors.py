"""Every error the emulator answers comes from here. Codes are the service's own where they are known.

Sources of codes: the published Language error schema and the neighbouring v3.2-preview.2 of the 2021 preview. Where the
service's code is not documented the nearest one is used; COVERAGE.md names those choices. Messages never carry a key, a
token or document text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ServiceError(Exception):
    """An answer other than success: raised anywhere, turned into a response by the middleware, or kept in a job."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str | None = None,
        target: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.target = target
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        if self.inner:
            error["innererror"] = {"code": self.inner, "message": self.message}
        return {"error": error}


# The request as such


def key_refused() -> ServiceError:
    return ServiceError(401, "401", "Access denied: the subscription key is missing or not valid for this endpoint.")


def token_refused(reason: str) -> ServiceError:
    return ServiceError(401, "Unauthorized", f"Access denied: {reason}")


def role_missing(role: str) -> ServiceError:
    return ServiceError(403, "Forbidden", f"The caller's role does not allow this operation; it needs {role}.")


def too_many_requests(operation: str, version: str, seconds: int) -> ServiceError:
    message = (
        f"Requests to the {operation} operation under {version} have exceeded the rate limit of the current pricing "
        f"tier. Please retry after {seconds} second{'s' if seconds != 1 else ''}."
    )
    # The middleware writes the number as the code, not the schema's TooManyRequests (azure-sdk-for-net issue 26521).
    return ServiceError(429, "429", message, retry_after=seconds)


def body_invalid(details: str) -> ServiceError:
    return ServiceError(
        400, "InvalidRequest", f"The request body is not valid: {details}", inner="InvalidRequestBodyFormat"
    )


def body_too_large(limit: int) -> ServiceError:
    return ServiceError(413, "InvalidRequest", f"The request body is larger than {limit} bytes.")


def parameter_invalid(name: str, details: str) -> ServiceError:
    return ServiceError(
        400, "InvalidArgument", f"Parameter {name}: {details}", inner="InvalidParameterValue", target=name
    )


def version_unknown(version: str | None, supported: Iterable[str], *, status: int = 400) -> ServiceError:
    given = f"'{version}' is not supported" if version else "is missing"
    return ServiceError(
        status,
        "InvalidRequest",
        f"The API version {given}. Supported: {', '.join(supported)}.",
        inner="InvalidParameterValue",
        target="api-version",
    )


def resource_not_found() -> ServiceError:
    return ServiceError(404, "NotFound", "There is nothing at this address.")


def method_not_allowed() -> ServiceError:
    return ServiceError(405, "InvalidRequest", "This address does not take that method.")


def not_implemented(what: str) -> ServiceError:
    return ServiceError(501, "NotImplementedByEmulator", f"The emulator does not implement {what}; see COVERAGE.md.")


def internal_error() -> ServiceError:
    return ServiceError(500, "InternalServerError", "The emulator failed; its log has the traceback.")


# Projects, labels and storage


def project_not_found(name: str) -> ServiceError:
    return ServiceError(404, "ProjectNotFound", f"There is no project '{name}'.", inner="InvalidRequest")


def project_exists(name: str) -> ServiceError:
    return ServiceError(409, "Conflict", f"A project '{name}' already exists.")


def project_kind_fixed(name: str) -> ServiceError:
    return ServiceError(409, "Conflict", f"The kind of project '{name}' cannot be changed.")


def labels_invalid(details: str) -> ServiceError:
    return ServiceError(400, "InvalidArgument", f"The labels file is not valid: {details}", inner="InvalidRequest")


def labels_missing(location: str, container: str) -> ServiceError:
    message = f"There is no labels file '{location}' in container '{container}'."
    return ServiceError(400, "InvalidArgument", message, inner="InvalidParameterValue", target="labelsLocation")


def container_missing(container: str) -> ServiceError:
    return ServiceError(400, "InvalidArgument", f"There is no container '{container}'.", inner="InvalidParameterValue")


def storage_denied(container: str) -> ServiceError:
    message = f"The Language resource has no permission to read container '{container}'."
    return ServiceError(403, "Forbidden", message, inner="InvalidRequest")


def storage_unreachable(reason: str) -> ServiceError:
    return ServiceError(503, "ServiceUnavailable", f"The storage account does not answer ({reason}).")


def documents_missing(names: list[str]) -> ServiceError:
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return ServiceError(400, "InvalidArgument", f"Labelled documents are not in the container: {listed}.")


def project_incomplete(details: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", f"The project cannot be trained: {details}")


# Models, jobs and deployments


def model_not_found(name: str) -> ServiceError:
    return ServiceError(404, "NotFound", f"There is no trained model '{name}'.")


def evaluation_unavailable(name: str, minimum: int) -> ServiceError:
    message = f"Model '{name}' has no evaluation: it takes at least {minimum} labelled documents."
    return ServiceError(404, "NotFound", message)


def deployment_not_found(name: str) -> ServiceError:
    return ServiceError(404, "NotFound", f"There is no deployment '{name}'.")


def quota_exceeded(details: str) -> ServiceError:
    return ServiceError(400, "QuotaExceeded", details)


def training_running(project: str) -> ServiceError:
    return ServiceError(409, "Conflict", f"Project '{project}' is being trained; one training at a time.")


def job_finished(job_id: str) -> ServiceError:
    return ServiceError(409, "Conflict", f"Job '{job_id}' has already ended.")


def authoring_job_not_found(job_id: str) -> ServiceError:
    return ServiceError(404, "OperationNotFound", f"There is no job '{job_id}', or it has expired.")


def analysis_job_not_found(job_id: str) -> ServiceError:
    message = f"There is no job '{job_id}', or its results have expired."
    return ServiceError(404, "NotFound", message, inner="JobIdNotFound")


# Classification


def documents_required(inner: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", "The request holds no documents.", inner=inner)


def tasks_required() -> ServiceError:
    return ServiceError(400, "InvalidRequest", "The request holds no task this API version knows.", inner="InvalidTask")


def batch_too_large(details: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", details, inner="InvalidDocumentBatch")


def document_ids_invalid(details: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", details, inner="InvalidDocument")


def model_unknown(model_id: str, target: str) -> ServiceError:
    message = f"No published model answers to modelId '{model_id}'."
    return ServiceError(400, "InvalidRequest", message, inner="InvalidParameterValue", target=target)


def model_kind_mismatch(task_kind: str, target: str) -> ServiceError:
    message = f"The model's project is of the other kind than the task {task_kind}."
    return ServiceError(400, "InvalidRequest", message, inner="InvalidParameterValue", target=target)


def document_empty() -> ServiceError:
    return ServiceError(400, "InvalidArgument", "The document has no text.", inner="InvalidDocument")


def language_unsupported(code: str) -> ServiceError:
    message = f"Invalid language code '{code}'; see the languages of custom text classification."
    return ServiceError(400, "InvalidArgument", message, inner="UnsupportedLanguageCode")


def deployment_expired(name: str) -> ServiceError:
    return ServiceError(400, "InvalidRequest", f"Deployment '{name}' has expired.", inner="InvalidParameterValue")
