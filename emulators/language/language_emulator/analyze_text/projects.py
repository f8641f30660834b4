"""GA authoring: projects, their import, export and deletion, and what the service supports."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.analyze_text import bodies
from language_emulator.analyze_text.languages import LANGUAGES, is_supported
from language_emulator.analyze_text.requests import ProjectFile, ProjectMetadata
from language_emulator.analyze_text.routes import GLOBAL, AuthoringRoutes, Part, StringIndex, Version, require_job
from language_emulator.http.answers import answer
from language_emulator.http.middleware import Faults
from language_emulator.jobs.records import DeletionJob, ExportJob, ImportJob, JobStatus
from language_emulator.limits import CLASS_NAME, NAME
from language_emulator.projects.labels import LabelSet, check_labels
from language_emulator.projects.records import Project, ProjectKind

ROUTES = (
    ("GET", "/projects", "list_projects"),
    ("GET", "/projects/global/languages", "list_languages"),
    ("GET", "/projects/global/training-config-versions", "list_training_config_versions"),
    ("GET", "/projects/global/deletion-jobs/{job_id}", "get_deletion"),
    ("PATCH", "/projects/{project}", "create_project"),
    ("GET", "/projects/{project}", "get_project"),
    ("DELETE", "/projects/{project}", "delete_project"),
    ("POST", "/projects/{project}/:import", "import_project"),
    ("GET", "/projects/{project}/import/jobs/{job_id}", "get_import"),
    ("POST", "/projects/{project}/:export", "export_project"),
    ("GET", "/projects/{project}/export/jobs/{job_id}", "get_export"),
    ("GET", "/projects/{project}/export/jobs/{job_id}/result", "get_exported_file"),
)


class ProjectRoutes(AuthoringRoutes):
    """One method for each operation, named after it."""

    def router(self) -> APIRouter:
        return self.build_router(ROUTES)

    def list_projects(self, request: Request, version: Version, part: Part) -> Response:
        projects = [bodies.project_body(project, version) for project in self._service.projects.select()]
        return self.listed(request, projects, part)

    def create_project(self, project: str, body: ProjectMetadata, version: Version, injected: Faults) -> Response:
        """201 for a new project; 200 for one that exists, whose kind must be the same."""
        wanted = self._project(project, body, version)
        known = self._service.projects.find(project)
        if known is None:
            self._service.create_project(wanted, injected)
            return answer(bodies.project_body(wanted, version), 201)
        if known.kind is not wanted.kind:
            raise errors.project_kind_fixed(project)
        changed = self._service.projects.change(project, lambda record: _update(record, body))
        return answer(bodies.project_body(changed, version))

    def get_project(self, project: str, version: Version) -> Response:
        return answer(bodies.project_body(self._service.projects.get(project), version))

    def delete_project(self, project: str, request: Request, injected: Faults) -> Response:
        job = self._service.project_jobs.start_deletion(project, injected, self.new_job_id())
        return self.job_accepted(request, f"projects/global/deletion-jobs/{job.job_id}")

    def get_deletion(self, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(DeletionJob, job_id, injected)
        return answer(bodies.job_body(require_job(job, job_id)))

    def import_project(
        self, project: str, body: ProjectFile, version: Version, request: Request, injected: Faults
    ) -> Response:
        if body.project_file_version != version:
            raise errors.parameter_invalid("projectFileVersion", f"it must equal the api-version, {version}")
        wanted = self._project(project, body.metadata, version)
        known = self._service.projects.find(project)
        if known is not None and known.kind is not wanted.kind:
            raise errors.project_kind_fixed(project)
        wanted.labels = self._labels(body, wanted, version)
        self._service.training.refuse_while_running(project)
        job = self._service.project_jobs.start_import(wanted, injected, self.new_job_id())
        return self.job_accepted(request, f"projects/{project}/import/jobs/{job.job_id}")

    def get_import(self, project: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(ImportJob, job_id, injected, project=project)
        return answer(bodies.job_body(require_job(job, job_id)))

    def export_project(self, project: str, request: Request, injected: Faults, _units: StringIndex) -> Response:
        job = self._service.project_jobs.start_export(project, injected, self.new_job_id())
        return self.job_accepted(request, f"projects/{project}/export/jobs/{job.job_id}")

    def get_export(self, project: str, job_id: str, request: Request, injected: Faults) -> Response:
        job = require_job(self._service.job_store.read(ExportJob, job_id, injected, project=project), job_id)
        body = bodies.job_body(job)
        if job.status is JobStatus.SUCCEEDED:
            body["resultUrl"] = self.link(request, f"projects/{project}/export/jobs/{job_id}/result")
        return answer(body)

    def get_exported_file(self, project: str, job_id: str, version: Version, injected: Faults) -> Response:
        job = require_job(self._service.job_store.read(ExportJob, job_id, injected, project=project), job_id)
        if job.status is not JobStatus.SUCCEEDED:
            raise errors.authoring_job_not_found(job_id)
        return answer(bodies.project_file(job.snapshot, version))

    def list_languages(self, request: Request, part: Part) -> Response:
        languages = [{"languageName": name, "languageCode": code} for code, name in LANGUAGES.items()]
        return self.listed(request, languages, part)

    def list_training_config_versions(self, request: Request, part: Part) -> Response:
        return self.listed(request, bodies.config_versions(self._service.clock.now()), part)

    def _project(self, name: str, body: ProjectMetadata, version: str) -> Project:
        if body.project_name != name:
            raise errors.parameter_invalid("projectName", "it must equal the name in the path")
        if name == GLOBAL:
            raise errors.parameter_invalid("projectName", f"'{GLOBAL}' is not a project's")
        if not NAME.fullmatch(name):
            raise errors.parameter_invalid("projectName", "it may hold letters, digits, '_', '.', '-', at most 50")
        if not is_supported(body.language):
            raise errors.parameter_invalid("language", f"'{body.language}' is not supported")
        now = self._service.clock.now()
        project = Project(
            name=name,
            kind=self._kind(body.project_kind, version),
            container=body.storage_input_container_name,
            language=body.language,
            created=now,
            modified=now,
        )
        _update(project, body)
        return project

    def _labels(self, body: ProjectFile, wanted: Project, version: str) -> LabelSet | None:
        if body.assets is None:
            return None
        if self._kind(body.assets.project_kind, version) is not wanted.kind:
            raise errors.labels_invalid("assets.projectKind differs from metadata.projectKind")
        labels = body.assets.read()
        check_labels(labels, single_label=wanted.kind.is_single, class_name=CLASS_NAME)
        return labels

    def _kind(self, word: str, version: str) -> ProjectKind:
        return bodies.read_kind(word, version, self._service.settings.kind_spelling)


def _update(project: Project, body: ProjectMetadata) -> None:
    """A merge patch: what is not given stays."""
    project.language = body.language
    for field in ("multilingual", "description", "settings"):
        given = getattr(body, field)
        if given is not None:
            setattr(project, field, given)
