"""Settings of the emulator: one frozen object, from flags, from the environment, or built by a test."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticUndefined

from language_emulator.control.progression import FORMS, IMMEDIATE, ProgressionField
from language_emulator.limits import DEPLOYMENTS_PER_PROJECT

ENVIRONMENT_PREFIX = "LANGUAGE_EMULATOR_"


class PreviewForm(StrEnum):
    """Two sources disagree on the preview's job body; a client should read both.

    `quickstart`: result lists in `tasks.tasks`, `status`, end word `completed`, results in `classes` (the 2021
    quickstart). `recorded`: lists directly in `tasks`, `state`, `succeeded`, `classification(s)` (recorded traffic
    of the neighbouring v3.2-preview.2).
    """

    QUICKSTART = "quickstart"
    RECORDED = "recorded"


class KindSpelling(StrEnum):
    """How a client may spell a GA project's kind.

    `published`: either first letter, as the service's own pages and its clients' recorded tests do in every version.
    `specification`: only as the specification of the version used has it.
    """

    PUBLISHED = "published"
    SPECIFICATION = "specification"


class PartialWord(StrEnum):
    """How a GA classification job ends of which some tasks failed: the specification's word, or one that was seen."""

    COMPLETED = "partiallyCompleted"
    SUCCEEDED = "partiallySucceeded"


class UnknownReference(StrEnum):
    """What the service does with a task whose deployment does not exist is not documented."""

    REFUSE = "refuse"
    FAIL = "fail"


class EmulatorSettings(BaseModel):
    """Every field is also a flag of `language-emulator` and a LANGUAGE_EMULATOR_* variable."""

    # Without inputs in errors: one of them may be the key.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="address to listen on; keep it on loopback")
    port: int = Field(0, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    storage: str | None = Field(
        None, repr=False, description="connection string of the storage account that holds the projects' containers"
    )
    storage_folder: Path | None = Field(
        None, description="instead of a storage account: a local folder, each of whose sub-folders is a container"
    )
    key: str = Field(
        default_factory=lambda: secrets.token_urlsafe(24),
        min_length=1,
        repr=False,
        description="the resource key clients must send; without it a random one is made and printed",
    )
    data: Path | None = Field(None, description="folder for projects, models and jobs; without it they are in memory")
    external_url: str | None = Field(None, description="base of the links handed out; default: the request's own host")
    training: ProgressionField = Field(IMMEDIATE, description=f"how long training appears to run, at least: {FORMS}")
    publishing: ProgressionField = Field(IMMEDIATE, description="the same for publishing and deployments")
    analysis: ProgressionField = Field(IMMEDIATE, description="the same for classification jobs")
    imports: ProgressionField = Field(IMMEDIATE, description="the same for imports, exports and deletions of projects")
    preview_form: PreviewForm = Field(PreviewForm.QUICKSTART, description="body of the preview's classification job")
    partial_word: PartialWord = Field(
        PartialWord.COMPLETED,
        description="status of a GA classification job of which a task failed; `partiallySucceeded` was seen too",
    )
    kind_spelling: KindSpelling = Field(
        KindSpelling.PUBLISHED,
        description="spelling of a GA project's kind that is taken: as published anywhere, or as in the specification",
    )
    page_size: int = Field(20, ge=1, le=50, description="documents on a page of results unless the client asks")
    requests_per_minute: int | None = Field(None, ge=1, description="limit of analyze requests; over it answers 429")
    authoring_requests_per_minute: int | None = Field(None, ge=1, description="limit of authoring requests")
    result_hours: float = Field(24.0, gt=0, description="hours for which a classification job can be read")
    deployments_per_project: int = Field(
        DEPLOYMENTS_PER_PROJECT, ge=1, le=DEPLOYMENTS_PER_PROJECT, description="GA deployments; the free tier allows 1"
    )
    deployment_days: float = Field(540.0, gt=0, description="days until a GA deployment expires")
    unknown_reference: UnknownReference = Field(
        UnknownReference.REFUSE, description="answer to a GA task that names no deployment: refuse the request, or fail"
    )
    require_token: bool = Field(False, description="accept only bearer tokens of the emulator's issuer, no key")
    tls: bool = Field(False, description="serve https with a certificate generated at start")
    certificates: Path | None = Field(
        None, description="folder for that certificate and its private key; default: a temporary one"
    )

    @property
    def has_own_key(self) -> bool:
        """The key was made here, so its user has yet to learn it."""
        return "key" not in self.model_fields_set

    @field_validator("storage_folder")
    @classmethod
    def _folder_exists(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("there is no such folder")
        return folder

    @model_validator(mode="after")
    def _one_storage(self) -> Self:
        if self.storage is not None and self.storage_folder is not None:
            raise ValueError("storage and storage_folder exclude each other")
        return self


def parse_settings(argv: Sequence[str], environment: Mapping[str, str]) -> EmulatorSettings:
    """Flags win over the environment; an unknown flag or a bad value ends the process with its reason."""
    parser = argparse.ArgumentParser(
        prog="language-emulator",
        description="Emulator of Azure AI Language custom text classification. Prints its address, and its key if none "
        "is given, and runs until it is interrupted.",
        epilog=f"Each flag may be given as a variable, for example {ENVIRONMENT_PREFIX}PORT.",
    )
    for name, field in EmulatorSettings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        default = "" if field.default in (None, PydanticUndefined) else f" (default {field.default})"
        help_text = f"{field.description}{default}".replace("%", "%%")
        if field.annotation is bool:
            parser.add_argument(flag, action="store_true", default=None, help=help_text)
        else:
            parser.add_argument(flag, metavar=name.upper(), help=help_text)
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    try:
        return EmulatorSettings.model_validate(_from_environment(environment) | given)
    except ValidationError as error:
        parser.error("; ".join(_problem(problem) for problem in error.errors(include_input=False, include_url=False)))


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {name: ENVIRONMENT_PREFIX + name.upper() for name in EmulatorSettings.model_fields}
    return {name: environment[variable] for name, variable in names.items() if environment.get(variable)}


def _problem(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in problem["loc"])
    return f"--{where.replace('_', '-')}: {message}" if where else message
