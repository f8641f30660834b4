"""host.json, read into the options that this host honours; the rest is ignored, as the real host ignores unknown keys.

Any value can be overridden by a setting `AzureFunctionsJobHost__a__b` (HostJsonFileConfigurationSource.cs).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions_host.settings import AppSettings, SettingError

_TIME_SPAN = re.compile(
    r"^(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}(?:\.\d{1,7})?))?$"
)
_OVERRIDES = "AzureFunctionsJobHost"


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues` (azure-sdk-for-net, Shared/Queues/QueuesOptions.cs)."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_seconds: float
    max_polling_seconds: float
    is_base64: bool

    @property
    def concurrency(self) -> int:
        return self.batch_size + self.new_batch_threshold


@dataclass(frozen=True)
class BlobOptions:
    """`extensions.blobs` (azure-sdk-for-net, Config/BlobsOptions.cs)."""

    max_degree_of_parallelism: int
    poison_blob_threshold: int


@dataclass(frozen=True)
class HostConfig:
    queues: QueueOptions
    blobs: BlobOptions
    route_prefix: str
    function_timeout_seconds: float | None
    """None when host.json says -1."""
    log_levels: Mapping[str, str]
    functions: frozenset[str] | None
    """The only functions to load, by lower-case name; None for all."""
    has_extension_bundle: bool
    """Without one the host knows HTTP and timer triggers only: the others come with the Storage extension."""


def load_host_config(app_folder: Path, settings: AppSettings) -> HostConfig:
    path = app_folder / "host.json"
    if not path.exists():
        raise SettingError(f"{path} is missing: it is what marks a function app")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingError(f"{path} is not JSON: {error}") from error
    if str(content.get("version")) != "2.0":
        raise SettingError(f'{path} must say "version": "2.0"')
    return read_host_config({**_flatten(content), **settings.under(_OVERRIDES)})


def read_host_config(values: Mapping[str, Any]) -> HostConfig:
    """`values` by lower-case path, its parts joined with `__`: {"extensions__queues__batchsize": 16}."""
    return HostConfig(
        queues=_queue_options(values),
        blobs=BlobOptions(
            max_degree_of_parallelism=_integer(
                values, "extensions__blobs__maxDegreeOfParallelism", 8 * _cores(), low=1
            ),
            poison_blob_threshold=_integer(values, "extensions__blobs__poisonBlobThreshold", 5, low=1),
        ),
        route_prefix=str(values.get("extensions__http__routeprefix", "api")).strip("/"),
        function_timeout_seconds=_timeout(values.get("functiontimeout")),
        log_levels=_under(values, "logging__loglevel"),
        functions=_allowed_functions(values),
        has_extension_bundle=bool(values.get("extensionbundle__id")),
    )


def _queue_options(values: Mapping[str, Any]) -> QueueOptions:
    path = "extensions__queues__"
    batch_size = _integer(values, path + "batchSize", 16, low=1, high=32)
    encoding = str(values.get(path + "messageencoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise SettingError(f"host.json: messageEncoding is base64 or none, not {encoding!r}")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_integer(values, path + "newBatchThreshold", batch_size // 2 * _cores(), low=0),
        max_dequeue_count=_integer(values, path + "maxDequeueCount", 5, low=1),
        visibility_seconds=_seconds(values.get(path + "visibilitytimeout", "00:00:00")),
        max_polling_seconds=_seconds(values.get(path + "maxpollinginterval", "00:01:00")),
        is_base64=encoding == "base64",
    )


def _allowed_functions(values: Mapping[str, Any]) -> frozenset[str] | None:
    """`functions` of host.json, its members replaced by `AzureFunctionsJobHost__functions__0` and so on
    (azure-functions-host, FunctionMetadataManager.cs: ApplyAllowList)."""
    listed = {str(index): name for index, name in enumerate(values.get("functions") or [])}
    listed |= _under(values, "functions")
    return frozenset(str(name).lower() for name in listed.values()) if listed else None


def parse_time_span(text: str) -> float | None:
    """Seconds of a .NET TimeSpan `[d.]hh:mm[:ss[.fffffff]]`; None when `text` is not one."""
    match = _TIME_SPAN.match(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (float(match[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _timeout(value: Any) -> float | None:
    # 30 minutes is the default of every plan but Consumption (azure-functions-host, ScriptJobHostOptionsSetup.cs).
    if value is None:
        return 30 * 60.0
    return None if str(value).strip() in ("-1", "-00:00:01") else _seconds(value)


def _seconds(value: Any) -> float:
    seconds = parse_time_span(str(value))
    if seconds is None:
        raise SettingError(f"host.json: {value!r} is not a time span hh:mm:ss")
    return seconds


def _integer(values: Mapping[str, Any], path: str, default: int, *, low: int, high: int | None = None) -> int:
    value = values.get(path.lower(), default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if number < low or (high is not None and number > high):
        limits = f"at least {low}" if high is None else f"{low} to {high}"
        raise SettingError(f"host.json: {path.replace('__', '.')} must be {limits}, not {value!r}")
    return number


def _flatten(content: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = path + key.lower()
        flat.update(_flatten(value, name + "__") if isinstance(value, Mapping) else {name: value})
    return flat


def _under(values: Mapping[str, Any], path: str) -> dict[str, str]:
    return {name[len(path) + 2 :]: str(value) for name, value in values.items() if name.startswith(path + "__")}


def _cores() -> int:
    return os.cpu_count() or 1
