"""What is kept of others' words: one line, short, and neither a secret nor a document in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.log_records import hide_secrets
from shared.redaction import RUN, clean, repeats, without_secrets

STORAGE_KEY = "Ab1+" * 21 + "Zz=="
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"

SECRETS: dict[str, tuple[str, str]] = {
    "a SAS": ("https://x.blob.core.windows.net/c?sv=2024&sig=abc%2Fdef%3D&se=2026", "abc%2Fdef"),
    "a connection string": (f"AccountName=x;AccountKey={STORAGE_KEY};EndpointSuffix=y", STORAGE_KEY),
    "a storage key alone": (f"the key {STORAGE_KEY} is wrong", STORAGE_KEY),
    "a bearer token": (f"Authorization: Bearer {TOKEN}", TOKEN),
    "an opaque bearer token": ("bearer abcdefghijkl", "abcdefghijkl"),
    "a token alone": (f"token {TOKEN} refused", TOKEN),
    "a shared key": ("Authorization: SharedKey account:c2lnbmF0dXJlLW9mLWl0=", "c2lnbmF0dXJl"),
    "the Language key's header": ("Ocp-Apim-Subscription-Key: 0123456789abcdef", "0123456789abcdef"),
    "that header as JSON": ('{"ocp-apim-subscription-key": "0123456789abcdef"}', "0123456789abcdef"),
    "a function key": ("POST /api/status?code=AbCdEf0123-_== 401", "AbCdEf0123"),
    "a client's secret": ("client_secret=abc.def~ghi&grant_type=x", "abc.def"),
}


@pytest.mark.parametrize("case", SECRETS)
def test_what_has_the_form_of_a_secret_is_hidden(case: str) -> None:
    text, secret = SECRETS[case]
    assert secret in text
    assert secret not in without_secrets(text)
    assert secret not in clean(text, limit=1_000)


@pytest.mark.parametrize(
    "text",
    [
        "batch_planned batch=2ef95c07e1e0611b3f9c5d3d9f67f0b6 documents=25",
        "document_failed name=inbox/sig/letter.txt code=refused batch=2ef95c07",
        "step_deferred batch=1 seconds=5.0: submit_analyze: 429 TooManyRequests: no message",
    ],
)
def test_our_own_log_lines_stay_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


def test_a_known_secret_is_hidden_whatever_its_form() -> None:
    assert without_secrets("the words correct horse battery", ["correct horse"]) == "the words *** battery"
    assert without_secrets("keys are kept", ["k"]) == "keys are kept", "a letter is no secret"


def test_what_is_cleaned_is_one_visible_line_of_the_given_length() -> None:
    assert clean("a\r\nb\tc\x00d\u202ee\u2028f\ud800g\u200bh") == "a b c d e f g h"
    assert clean("x" * 500) == "x" * 100
    assert clean(f"{'x' * 90} sig={'s' * 90}") == f"{'x' * 90} sig=***", "it is cut after it is cleaned"


TEXT = "Dear Sir, the parcel of last week has not arrived, and nobody answers the telephone."


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        (f"bad text: {TEXT}", True),
        (TEXT[10:50], True),
        (TEXT[10:50].upper(), True),
        ("Dear\\nSir,\\tthe\\u0020parcel of last week", True),
        ("Dear%20Sir%2C%20the%20parcel%20of%20last%20week", True),
        ("The request is not valid.", False),
        ("has not arrived", False),
        ("", False),
    ],
)
def test_words_that_show_a_run_of_a_text_repeat_it(words: str, shows: bool) -> None:
    assert repeats(words, ["another text that is not in the words", TEXT]) is shows


def test_a_short_text_is_repeated_when_all_of_it_is_there() -> None:
    short = "about billing"
    assert len(short) < RUN
    assert repeats("odd text 'About billing'", [short])
    assert not repeats("about the bill", [short])
    assert not repeats("the bill", ["bill"]), "any sentence may hold so little"


@pytest.fixture
def hidden() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    hide_secrets()
    yield
    logging.setLogRecordFactory(before)


@pytest.mark.usefixtures("hidden")
def test_no_log_record_holds_a_secret_in_message_arguments_or_traceback() -> None:
    stream = io.StringIO()
    logger = logging.Logger("a library", logging.DEBUG)
    logger.addHandler(logging.StreamHandler(stream))
    logger.info("GET %s", "https://x/c?sig=abcdef")
    logger.info("plain words and %d%%", 5)
    logger.info("arguments %d that do not fit")
    try:
        raise OSError("Max retries exceeded with url: /c?sv=1&sig=abcdef")
    except OSError:
        logger.exception("http_failed method=%s", "GET")
    written = stream.getvalue()
    assert "abcdef" not in written
    assert written.startswith("GET https://x/c?sig=***\nplain words and 5%\n")
    assert "OSError: Max retries exceeded with url: /c?sv=1&sig=***" in written


def test_the_app_hides_secrets_before_it_builds_anything() -> None:
    source = (Path(__file__).parents[2] / "function_app.py").read_text(encoding="utf-8")
    assert source.index("\nhide_secrets()\n") < source.index("build_services(load")
