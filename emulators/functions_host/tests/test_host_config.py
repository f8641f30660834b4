from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from functions_host.host_config import HostConfig, load_host_config, parse_time_span
from functions_host.settings import AppSettings, SettingError
from functions_host.timings import HostTimings


def load(folder: Path, content: dict[str, Any], settings: dict[str, str] | None = None) -> HostConfig:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    return load_host_config(folder, AppSettings(settings or {}))


def test_an_empty_host_json_has_the_real_hosts_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    cores = os.cpu_count() or 1
    assert (config.queues.batch_size, config.queues.new_batch_threshold) == (16, 8 * cores)
    assert config.queues.concurrency == 16 + 8 * cores
    assert (config.queues.max_dequeue_count, config.queues.visibility_seconds) == (5, 0)
    assert config.queues.max_polling_seconds == 60
    assert config.queues.is_base64
    assert (config.blobs.max_degree_of_parallelism, config.blobs.poison_blob_threshold) == (8 * cores, 5)
    assert (config.route_prefix, config.function_timeout_seconds) == ("api", 1800)


def test_options_are_read_from_host_json(tmp_path: Path) -> None:
    queues = {"batchSize": 4, "newBatchThreshold": 0, "visibilityTimeout": "00:00:30", "messageEncoding": "none"}
    content = {"functionTimeout": "00:05:00", "extensions": {"queues": queues, "http": {"routePrefix": "/v1/"}}}
    config = load(tmp_path, content)
    assert (config.queues.batch_size, config.queues.new_batch_threshold) == (4, 0)
    assert (config.queues.visibility_seconds, config.queues.is_base64) == (30, False)
    assert (config.route_prefix, config.function_timeout_seconds) == ("v1", 300)


def test_a_setting_overrides_host_json(tmp_path: Path) -> None:
    settings = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "2",
        "AzureFunctionsJobHost__functionTimeout": "-1",
        "AzureFunctionsJobHost__logging__logLevel__Function.tick": "Error",
    }
    config = load(tmp_path, {"extensions": {"queues": {"batchSize": 4}}}, settings)
    assert config.queues.batch_size == 2
    assert config.function_timeout_seconds is None
    assert config.log_levels == {"function.tick": "Error"}


def test_the_functions_to_load_can_be_listed(tmp_path: Path) -> None:
    assert load(tmp_path, {}).functions is None
    assert load(tmp_path, {"functions": ["One", "two"]}).functions == frozenset({"one", "two"})
    override = {"AzureFunctionsJobHost__functions__0": "three"}
    assert load(tmp_path, {}, override).functions == frozenset({"three"})
    assert load(tmp_path, {"functions": ["One", "two"]}, override).functions == frozenset({"three", "two"})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param({"version": "1.0"}, "version", id="version"),
        pytest.param({"extensions": {"queues": {"batchSize": 33}}}, "batchSize must be 1 to 32", id="batch too large"),
        pytest.param({"extensions": {"queues": {"maxDequeueCount": 0}}}, "maxDequeueCount", id="no tries"),
        pytest.param({"extensions": {"queues": {"messageEncoding": "utf8"}}}, "messageEncoding", id="encoding"),
        pytest.param({"functionTimeout": "soon"}, "time span", id="no time span"),
    ],
)
def test_an_illegal_value_stops_the_start(tmp_path: Path, content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint):
        load(tmp_path, content)


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="missing"):
        load_host_config(tmp_path, AppSettings({}))


def test_host_json_that_is_not_json_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(SettingError, match="not JSON"):
        load_host_config(tmp_path, AppSettings({}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:30", 30),
        ("01:02:03", 3723),
        ("1.00:00:00", 86400),
        ("00:00:00.5", 0.5),
        ("05:00", 18000),
        ("soon", None),
    ],
)
def test_time_spans_are_dotnets(text: str, seconds: float | None) -> None:
    assert parse_time_span(text) == seconds


def test_timings_travel_through_the_environment() -> None:
    timings = HostTimings(receive_visibility=3, renewal=1)
    assert HostTimings.from_environment({"FUNCTIONS_HOST_TIMINGS": timings.to_json()}) == timings
    assert HostTimings.from_environment({}) == HostTimings()
    with pytest.raises(ValueError, match="unknown timings: visibility"):
        HostTimings.from_environment({"FUNCTIONS_HOST_TIMINGS": '{"visibility": 1}'})


def test_a_renewal_later_than_the_visibility_is_refused() -> None:
    with pytest.raises(ValueError, match="renewal must be shorter"):
        HostTimings(receive_visibility=3)
