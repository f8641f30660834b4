"""Settings: one frozen object, and the only reader of the environment. Every missing or wrong name is listed at once.

Names that bindings use as `%NAME%` have no default here, because the Functions host has none either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from shared.documents.encodings import codecs_for
from shared.documents.texts import Oversized
from shared.errors import SettingsError
from shared.language.apis import API_VERSIONS, DEFAULT_API_VERSION, analyze_requests_per_minute
from shared.language.values import ProjectKind

ContainerName = Annotated[str, Field(min_length=3, max_length=63, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Seconds = Annotated[float, Field(gt=0)]
# How the names of the Functions host's containers begin: its keys and leases.
HOST_CONTAINERS = "azure-webjobs-"


class CredentialKind(StrEnum):
    """How the app proves itself to the Language service."""

    KEY = "key"
    IDENTITY = "identity"


class Settings(BaseModel):
    """Every app setting. The description of each is the text of the README's table."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    # Storage
    data_storage: SecretStr | None = Field(None, description="Connection string of the data storage; local use only")
    data_storage__blobserviceuri: str | None = Field(
        None, description="Blob address of the data storage, for identity (DATA_STORAGE__blobServiceUri)"
    )
    data_storage__queueserviceuri: str | None = Field(
        None, description="Queue address of the data storage, for identity (DATA_STORAGE__queueServiceUri)"
    )
    data_storage__clientid: str | None = Field(
        None, description="Client id of the user-assigned identity for storage (DATA_STORAGE__clientId)"
    )
    documents_container: ContainerName = Field(description="Where documents are uploaded")
    classifications_container: ContainerName = Field("classifications", description="Where classifications are written")
    failures_container: ContainerName = Field("failures", description="Where failure records are written")
    pipeline_container: ContainerName = Field(
        "pipeline", description="Batches, operations, the active model, stored labels, trials, reviews"
    )
    training_container: ContainerName = Field("training", description="Labelled documents and the labels file")
    training_containers: tuple[ContainerName, ...] = Field(
        (), description="Further containers that projects may have instead; comma separated"
    )
    documents_queue: ContainerName = Field("documents", description="Documents waiting to be collected")
    collect_queue: ContainerName = Field(description="Messages that wake the collector")
    batches_queue: ContainerName = Field(description="Next steps of batches")
    operations_queue: ContainerName = Field(description="Next steps of retraining and other operations")
    events_queue: ContainerName = Field(description="Upload events, where Event Grid delivers them to a queue")

    # Language service
    language_endpoint: str = Field(description="`https://NAME.cognitiveservices.azure.com`")
    language_api: str = Field(
        DEFAULT_API_VERSION,
        description=f"API version: one of {', '.join(API_VERSIONS)}; Azure most likely no longer answers the last",
    )
    language_credential: CredentialKind = Field(
        CredentialKind.KEY, description="How the app authenticates to the Language service: key or identity"
    )
    language_key: SecretStr | None = Field(None, description="Resource key; needed when LANGUAGE_CREDENTIAL is key")
    language_client_id: str | None = Field(
        None, description="Client id of the identity that classifies (role: Language Reader); unset: the app's own"
    )
    language_authoring_client_id: str | None = Field(
        None,
        description="Client id of the identity that trains and publishes (Language Owner); unset: the same one",
    )
    language_project: str = Field(description="The project whose model classifies")
    language_model: str | None = Field(
        None, description="Model id (2021 preview) or deployment to use until a model is published through the app"
    )
    language_project_kind: ProjectKind | None = Field(
        None, description="single_label or multi_label; needed with LANGUAGE_MODEL"
    )
    language_deployment: str = Field("production", description="Deployment that classifies (dated API)")
    language_staging_deployment: str = Field("staging", description="Deployment that tries new models (dated API)")
    language_training_config: str | None = Field(
        None, description="Training configuration (dated API); unset: the newest of the service's that has not expired"
    )
    language_requests_per_minute: int | None = Field(
        None,
        ge=0,
        description="Analyze requests a minute that each process may make; 0: no limit, unset: the service's own limit",
    )
    language_authoring_posts_per_minute: int = Field(
        10, ge=0, description="Authoring requests a minute that change something, for each process; 0: no limit"
    )
    language_authoring_gets_per_minute: int = Field(
        100, ge=0, description="Authoring requests a minute that only read, for each process; 0: no limit"
    )
    language_connect_seconds: Seconds = Field(5.0, description="Time limit for connecting")
    language_read_seconds: Seconds = Field(30.0, description="Time limit for an answer")

    # Pipeline
    pipeline_linger_seconds: Annotated[float, Field(ge=1, le=60)] = Field(
        1.5, description="How long the collector waits for more documents after the first"
    )
    pipeline_collect_visibility_seconds: Annotated[float, Field(ge=1, lt=600)] = Field(
        300.0,
        description="How long a collector hides the messages it received; less than the host's lock (10 minutes)",
    )
    pipeline_in_hand_seconds: Annotated[float, Field(ge=1, lt=86_400)] = Field(
        360.0,
        description="How long the message of a batch is hidden whose steps its collector takes itself; more than "
        "functionTimeout in host.json",
    )
    pipeline_oversized: Oversized = Field(
        Oversized.SPLIT, description="Documents over 125,000 characters: split, truncate or reject"
    )
    pipeline_max_document_bytes: Annotated[int, Field(ge=1, le=100_000_000)] = Field(
        4_000_000, description="Larger blobs are not read; they get a failure record"
    )
    document_encodings: tuple[str, ...] = Field(
        (),
        description="Encodings of documents that are neither UTF-8 nor say what they are, tried in order before "
        "guessing, as `shift_jis,euc_jp` or `cp1250`; comma separated",
    )
    pipeline_poll_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)] = Field(
        (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0),
        description="Delays between polls of a running job; the last one repeats",
    )
    pipeline_slow_poll_seconds: Seconds = Field(
        300.0, description="Delay between polls once a job has run longer than 10 minutes"
    )
    pipeline_model_cache_seconds: Annotated[float, Field(ge=0)] = Field(
        5.0, description="How long a process caches the active model"
    )
    pipeline_grace_minutes: Annotated[float, Field(ge=0)] = Field(
        15.0, description="Age at which reconcile sends a document without a record again"
    )
    golden_percent: Annotated[int, Field(ge=0, le=50)] = Field(
        20,
        description="Percentage of the labelled documents that no model is trained on, so that models can be judged by "
        "them; the labels file's `dataset` goes before it; 0: none",
    )
    trial_documents: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1000, description="How many golden documents a model is tried on at most, before it may be used"
    )
    pipeline_threads: Annotated[int, Field(ge=1, le=32)] = Field(
        8, description="How many storage calls a process makes at the same time"
    )
    audit_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        5.0, description="Of a hundred classifications that are sure enough, how many are sent to review all the same"
    )
    reclassify_limit: Annotated[int, Field(ge=0)] = Field(
        10_000, description="How many documents a reclassification may send without confirmation"
    )
    easy_auth: bool = Field(
        False,
        description="Whether Easy Auth signs people in before the app; only then its header says who decided",
    )
    retrain_after_decisions: Annotated[int, Field(ge=0, le=5_000)] = Field(
        0, description="How many decisions of people since the last retraining start another; 0: none does"
    )
    reconcile_schedule: str = Field(description="When reconcile looks for lost documents (NCRONTAB)")
    sweep_schedule: str = Field(description="When the sweep revives stalled work (NCRONTAB)")

    @field_validator("pipeline_poll_seconds", mode="before")
    @classmethod
    def _split_seconds(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("document_encodings", "training_containers", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("document_encodings")
    @classmethod
    def _known_encodings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if not codecs_for(name)]
        if unknown:
            raise ValueError(f"names no known encoding: {', '.join(unknown)}")
        return value

    @field_validator("language_api")
    @classmethod
    def _known_api(cls, value: str) -> str:
        if value not in API_VERSIONS:
            raise ValueError(f"{value!r} is unknown; known API versions are {', '.join(API_VERSIONS)}")
        return value

    @field_validator("language_endpoint")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if (
            not parts.hostname
            or "@" in parts.netloc
            or not (parts.scheme == "https" or (parts.scheme == "http" and local))
        ):
            raise ValueError("must be an https address (http only on this machine), without a user name")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must end after the host; the app adds the path")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        problems = _missing_together(dict(self)) + self._containers_shared() + self._containers_not_for_training()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _containers_shared(self) -> list[str]:
        """Records among documents would come back as events, and records of two kinds would overwrite each other."""
        used: dict[str, str] = {}
        problems = []
        for name in ("documents_container", "classifications_container", "failures_container", "pipeline_container"):
            first = used.setdefault(getattr(self, name), name)
            if first != name:
                problems.append(f"{name.upper()} may not name {getattr(self, name)!r}, which is {first.upper()}")
        return problems

    def _containers_not_for_training(self) -> list[str]:
        """A project on one of the app's own containers would have its labels written among documents or records."""
        own = {
            self.documents_container,
            self.classifications_container,
            self.failures_container,
            self.pipeline_container,
        }
        return [
            f"{setting} may not name {name!r}, which holds what is not for training"
            for setting, names in (
                ("TRAINING_CONTAINER", (self.training_container,)),
                ("TRAINING_CONTAINERS", self.training_containers),
            )
            for name in names
            if name in own or name.startswith(HOST_CONTAINERS)
        ]

    @property
    def containers_for_training(self) -> tuple[str, ...]:
        return (self.training_container, *self.training_containers)

    @property
    def analyze_requests_per_minute(self) -> int:
        """The setting, else the service's documented limit: 20 of the preview, 1,000 of the dated API."""
        if self.language_requests_per_minute is not None:
            return self.language_requests_per_minute
        return analyze_requests_per_minute(self.language_api)

    @property
    def linger(self) -> timedelta:
        return timedelta(seconds=self.pipeline_linger_seconds)

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.pipeline_grace_minutes)


def load_settings(values: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, or from `values` by lower-case name.

    Raises SettingsError that lists everything missing or wrong, and never shows a secret.
    """
    given = _from_environment() if values is None else values
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        problems = [_problem(detail) for detail in details]
        if all(detail["loc"] for detail in details):  # wrong fields keep the check of the whole from running
            problems += _missing_together(given)
        raise SettingsError("app settings are not complete:\n  " + "\n  ".join(problems)) from None


def _from_environment() -> dict[str, str]:
    """By lower-case name, whatever case the environment has it in. An empty value counts as missing."""
    return {
        name: value for key, value in os.environ.items() if value and (name := key.lower()) in Settings.model_fields
    }


def _missing_together(values: Mapping[str, Any]) -> list[str]:
    """Settings that are needed because of others; `values` by field name, checked or straight from the environment."""
    problems = []
    services = ("data_storage__blobserviceuri", "data_storage__queueserviceuri")
    if not values.get("data_storage") and not all(values.get(name) for name in services):
        problems.append("DATA_STORAGE is missing (or DATA_STORAGE__blobServiceUri and DATA_STORAGE__queueServiceUri)")
    if values.get("language_credential", CredentialKind.KEY) == CredentialKind.KEY and not values.get("language_key"):
        problems.append("LANGUAGE_KEY is missing (or LANGUAGE_CREDENTIAL=identity)")
    if values.get("language_model") and not values.get("language_project_kind"):
        problems.append("LANGUAGE_PROJECT_KIND is missing, because LANGUAGE_MODEL is set")
    return problems


def _problem(detail: Any) -> str:
    name = "__".join(str(part) for part in detail["loc"][:1]).upper()
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "missing":
        message = "is missing"
    return f"{name} {message}".strip()
