"""What a project asks for beside what the service knows of it: pipeline/projects/<project>.json."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError
from shared.models.acceptance import AcceptanceRule
from shared.storage.ports import BlobStore


class ProjectSettings(StoredModel):
    """`acceptance` is None where every classification counts as it is."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    acceptance: AcceptanceRule | None = None


class ProjectSettingsStore:
    """Settings by project, in the app's state container."""

    def __init__(self, state: BlobStore) -> None:
        self._state = state

    def get(self, project: str) -> ProjectSettings:
        """The defaults where nothing was stored. Raises StateUnreadableError."""
        name = project_settings_blob(project)
        with readable(name):
            try:
                return ProjectSettings.model_validate_json(self._state.read(name).data)
            except BlobNotFoundError:
                return ProjectSettings()

    def put(self, project: str, settings: ProjectSettings) -> None:
        name = project_settings_blob(project)
        with readable(name):
            self._state.put(name, settings.model_dump_json(by_alias=True, indent=1).encode())

    def delete(self, project: str) -> None:
        self._state.delete(project_settings_blob(project))


def project_settings_blob(project: str) -> str:
    return f"projects/{quote(project, safe='')}.json"
