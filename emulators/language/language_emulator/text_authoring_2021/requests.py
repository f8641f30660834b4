"""Request bodies of the 2021 preview. Types are strict (`"true"` is not a boolean); unknown keys are ignored."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class CreateProject(_Body):
    name: str
    model_type: Literal["SingleClassification", "MultiClassification"]
    multi_lingual: bool = False
    description: str = ""
    culture: str
    storage_input_container_name: str
    labels_location: str


class UpdateProject(_Body):
    description: str


class ModelTask(_Body):
    training_model_name: str


class ModelTasks(_Body):
    """Body of train and of publish. Only one task at a time: a project trains one model and deploys one."""

    tasks: list[ModelTask] = Field(min_length=1, max_length=1)

    @property
    def model_name(self) -> str:
        return self.tasks[0].training_model_name


class Document(_Body):
    id: str = ""
    text: str = ""
    language: str | None = None


class AnalysisInput(_Body):
    documents: list[Document] = []


class TaskParameters(_Body):
    model_id: str
    # Counts offsets, which classification has none of; neighbouring versions spell the first one without `s`.
    string_index_type: str | None = None


class Task(_Body):
    parameters: TaskParameters
    task_name: str | None = None


class Tasks(_Body):
    custom_classification_tasks: list[Task] = []
    custom_multi_classification_tasks: list[Task] = []


class SubmitAnalysis(_Body):
    display_name: str | None = None
    analysis_input: AnalysisInput
    tasks: Tasks
