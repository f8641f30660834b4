"""Values as the service writes them: status words, times, errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.language.apis import API_VERSIONS, analyze_requests_per_minute, api_for
from shared.language.apis.wire import parse_error, parse_status, parse_time
from shared.language.values import TERMINAL, LroStatus, Page, ServiceError

WORDS: dict[Any, LroStatus] = {
    "notStarted": LroStatus.NOT_STARTED,
    "inProgress": LroStatus.RUNNING,
    "running": LroStatus.RUNNING,
    "cancelling": LroStatus.RUNNING,
    "succeeded": LroStatus.SUCCEEDED,
    "completed": LroStatus.SUCCEEDED,
    "COMPLETED": LroStatus.SUCCEEDED,
    "partiallyCompleted": LroStatus.PARTIALLY_COMPLETED,
    "partiallycompleted": LroStatus.PARTIALLY_COMPLETED,
    "partially_succeeded": LroStatus.PARTIALLY_COMPLETED,
    "failed": LroStatus.FAILED,
    "rejected": LroStatus.FAILED,
    "cancelled": LroStatus.CANCELLED,
    "canceled": LroStatus.CANCELLED,
    "almostDone": LroStatus.UNKNOWN,
    "": LroStatus.UNKNOWN,
    None: LroStatus.UNKNOWN,
    2: LroStatus.UNKNOWN,
}


@pytest.mark.parametrize("word", WORDS)
def test_a_status_word_of_either_vocabulary_is_read(word: Any) -> None:
    assert parse_status(word) is WORDS[word]


def test_an_unknown_word_keeps_polling() -> None:
    assert LroStatus.UNKNOWN not in TERMINAL
    assert LroStatus.RUNNING not in TERMINAL


TIMES: dict[Any, datetime | None] = {
    "2021-08-17T22:32:13Z": datetime(2021, 8, 17, 22, 32, 13, tzinfo=UTC),
    "2021-08-17T22:32:13.457Z": datetime(2021, 8, 17, 22, 32, 13, 457000, tzinfo=UTC),
    "2021-08-17T22:32:13.4573Z": datetime(2021, 8, 17, 22, 32, 13, 457300, tzinfo=UTC),
    "2021-08-17T22:32:13.0613984Z": datetime(2021, 8, 17, 22, 32, 13, 61398, tzinfo=UTC),
    "2021-08-17T22:32:13+00:00": datetime(2021, 8, 17, 22, 32, 13, tzinfo=UTC),
    "yesterday": None,
    "": None,
    None: None,
    1_629_000_000: None,
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_read_with_three_to_seven_digits(text: Any) -> None:
    assert parse_time(text) == TIMES[text]


ERRORS: dict[str, tuple[Any, ServiceError]] = {
    "plain": ({"code": "A", "message": "m"}, ServiceError("A", "m")),
    "with a target": ({"code": "A", "message": "m", "target": "#/x"}, ServiceError("A", "m", "#/x")),
    "nested": (
        {
            "code": "A",
            "message": "m",
            "innererror": {"code": "B", "message": "n", "innererror": {"code": "C", "message": "o"}},
        },
        ServiceError("C", "o"),
    ),
    "nested, with a target inside": (
        {"code": "A", "message": "m", "innererror": {"code": "B", "message": "n", "target": "#/y"}},
        ServiceError("B", "n", "#/y"),
    ),
    "nested, with a target outside and inside": (
        {"code": "A", "message": "m", "target": "#/x", "innererror": {"code": "B", "message": "n", "target": "#/y"}},
        ServiceError("B", "n", "#/x"),
    ),
    "nothing": (None, ServiceError("unknown", "the service gave no error body")),
    "empty": ({}, ServiceError("unknown", "no message")),
    "words": ("oh", ServiceError("unknown", "the service gave no error body")),
    "odd members": ({"code": 5, "message": None, "target": 7}, ServiceError("5", "no message")),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_its_innermost_code_and_message(case: str) -> None:
    body, expected = ERRORS[case]
    assert parse_error(body) == expected


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_each_api_version_is_found_by_its_name(api_version: str) -> None:
    assert api_for(api_version).api_version == api_version


def test_an_unknown_api_version_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError) as caught:
        api_for("1999")
    assert all(version in str(caught.value) for version in API_VERSIONS)


# Deployments, labels by import, a reference that names one model, analyze requests a minute, all results.
FACTS: dict[str, tuple[bool, bool, bool, int, Page | None]] = {
    "2021-preview": (False, False, True, 20, None),
    "2023-04-01": (True, True, False, 1000, Page(skip=0, top=25)),
    "2022-05-01": (True, True, False, 1000, Page(skip=0, top=25)),
}


@pytest.mark.parametrize("version", API_VERSIONS)
def test_an_api_tells_what_callers_would_ask_its_version_for(version: str) -> None:
    api = api_for(version)
    assert FACTS[version] == (
        api.has_deployments,
        api.takes_labels_by_import,
        api.reference_names_one_model,
        analyze_requests_per_minute(version),
        api.page_of_all_results,
    )


def test_an_error_reads_as_its_code_and_message() -> None:
    assert str(ServiceError("A", "m", "#/x")) == "A: m"
