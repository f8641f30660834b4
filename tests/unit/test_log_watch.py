"""The watch over the suite's logs sees what it is there for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import FakeBlobStore
from tests.log_watch import WATCH, shown_in

TEXT = "Dear Sir, the parcel of last week has not arrived."
log = logging.getLogger("pigeonhole.test")


def upload(text: str = TEXT, name: str = "letter.txt") -> None:
    FakeBlobStore("documents", lambda: datetime.now(UTC)).put(name, text.encode())


def seen() -> list[str]:
    """What the watch found, which is no fault of this test."""
    found, WATCH.found = WATCH.found, []
    return found


SHOWN = {
    "the text": TEXT,
    "a part of it": f"odd: {TEXT[15:40]!r}",
    "a storage key": "AccountKey=Eby8vdM02xNOcqFl",
    "a signature": "GET /c?sv=1&sig=abc",
    "a token": "Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
    "the Language key's header": "{'Ocp-Apim-Subscription-Key': 'abcdef'}",
    "the fakes' Language key": "refused test-key",
}


@pytest.mark.parametrize("case", SHOWN)
def test_a_line_with_a_text_or_a_secret_is_seen(case: str) -> None:
    upload()
    log.info("%s", SHOWN[case])
    assert len(seen()) == 1


def test_a_traceback_with_a_text_is_seen() -> None:
    upload()
    try:
        raise ValueError(TEXT)
    except ValueError:
        log.exception("failed")
    assert len(seen()) == 1


def test_the_name_of_a_document_may_be_seen_although_its_text_repeats_it() -> None:
    name = "a-letter-with-a-long-name.txt"
    upload(f"{name} is about billing", name)
    log.info("document_accepted name=%s", name)
    log.info("a line that says nothing")
    assert WATCH.lines == 2
    assert seen() == []


def test_lines_of_other_processes_are_searched(tmp_path: Path) -> None:
    (tmp_path / "host.log").write_text(f"started\nread {TEXT}\nwith key 0123456789\n")
    upload()
    assert shown_in([tmp_path / "host.log"], WATCH.runs, ["0123456789"]) == [
        f"host.log: read {TEXT}",
        "host.log: with key 0123456789",
    ]
