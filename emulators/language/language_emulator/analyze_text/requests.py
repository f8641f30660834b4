"""Request bodies of the GA API. Types are strict (`"true"` is not a boolean); unknown keys are ignored."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from language_emulator.projects.labels import Assets
from language_emulator.projects.records import ProjectKind

# Of tasks: every source spells them alike.
KINDS = {
    "CustomSingleLabelClassification": ProjectKind.SINGLE_LABEL,
    "CustomMultiLabelClassification": ProjectKind.MULTI_LABEL,
}
# The only one the authoring specification lists.
StringIndexType = Literal["Utf16CodeUnit"]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class ProjectMetadata(_Body):
    """Of a project to create or update, and of a project file."""

    project_kind: str
    storage_input_container_name: str
    project_name: str
    language: str
    multilingual: bool | None = None
    description: str | None = None
    settings: dict[str, Any] | None = None


class ImportedAssets(Assets):
    """The assets of an imported file also say their kind."""

    project_kind: str


class ProjectFile(_Body):
    """Body of an import. One stored revision of the specification writes the first key with dashes."""

    project_file_version: str = Field(validation_alias=AliasChoices("projectFileVersion", "project-file-version"))
    string_index_type: StringIndexType
    metadata: ProjectMetadata
    assets: ImportedAssets | None = None


class EvaluationOptions(_Body):
    kind: Literal["percentage", "manual"] = "percentage"
    training_split_percentage: int = Field(80, ge=1, le=99)
    testing_split_percentage: int = Field(20, ge=1, le=99)


class Train(_Body):
    model_label: str
    training_config_version: str
    evaluation_options: EvaluationOptions | None = None


class Deploy(_Body):
    trained_model_label: str


class Swap(_Body):
    first_deployment_name: str
    second_deployment_name: str


class Document(_Body):
    id: str = ""
    text: str = ""
    language: str | None = None


class AnalysisInput(_Body):
    documents: list[Document] = []


class TaskParameters(_Body):
    project_name: str = ""
    deployment_name: str = ""


class Task(_Body):
    kind: str
    task_name: str | None = None
    parameters: TaskParameters | None = None


class SubmitAnalysis(_Body):
    display_name: str | None = None
    analysis_input: AnalysisInput
    tasks: list[Task] = []
