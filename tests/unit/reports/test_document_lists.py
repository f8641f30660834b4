"""Lists of documents and failures: every document once, with the state it has, in a bounded number of calls."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from shared.errors import BadRequestError
from shared.reports import document_lists
from shared.reports.document_lists import DocumentLine, DocumentList
from tests.services_on_fakes import PipelineOnFakes

# Some change their order once `.json` is appended; one is too long for a record of its own name.
NAMES = [
    "a.txt",
    "a.txt!.txt",
    "a.txt.b.txt",
    "b/1.txt",
    "b/2.txt",
    "b/x.pdf",
    "b/\N{PILE OF POO}.txt",
    "b/\uff21.txt",
    "b/" + "n" * 1_010 + ".txt",
    "c.txt",
]
# Of a place in the listings that XML cannot hold.
FORGED = urlsafe_b64encode(b'{"documents": "\\u0001", "classifications": null, "failures": null}').decode()
EMPTY = ["b/2.txt", "c.txt"]


@pytest.fixture
def filled(world: PipelineOnFakes) -> PipelineOnFakes:
    for name in NAMES:
        world.upload(name, " " if name in EMPTY else "about billing")
    world.upload("deleted.txt", "about billing")
    world.run()
    world.remove("deleted.txt")
    world.upload("b/1.txt", "another version", event=False)
    return world


def all_pages(world: PipelineOnFakes, *, limit: int, prefix: str = "") -> list[DocumentLine]:
    lines: list[DocumentLine] = []
    token = None
    while True:
        page: DocumentList = world.services.document_lists.documents(prefix, limit=limit, token=token)
        lines += page.documents
        token = page.token
        if token is None:
            return lines


def expected(world: PipelineOnFakes) -> dict[str, str]:
    """By the report on each document alone."""
    found = {name: world.services.document_report(name) for name in NAMES}
    return {name: report.state for name, report in found.items() if report is not None}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("records_a_page", [1, 2, 5, 1_000])
def test_every_document_is_listed_once_with_the_state_that_its_own_report_gives(
    filled: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch, limit: int, records_a_page: int
) -> None:
    monkeypatch.setattr(document_lists, "_RECORDS_A_PAGE", records_a_page)
    monkeypatch.setattr(document_lists, "_RECORD_PAGES", 100)
    lines = all_pages(filled, limit=limit)
    assert len(lines) == len(NAMES)
    assert {line.name: line.state for line in lines} == expected(filled)
    assert {line.state for line in lines} == {"classified", "failed", "waiting", "ignored"}


def test_a_line_says_which_model_or_which_failure(filled: PipelineOnFakes) -> None:
    lines = {line.name: line for line in all_pages(filled, limit=100)}
    assert lines["a.txt"].model is not None
    assert (lines["c.txt"].state, lines["c.txt"].code) == ("failed", "empty")


def test_only_names_that_begin_so_are_listed(filled: PipelineOnFakes) -> None:
    assert {line.name for line in all_pages(filled, limit=2, prefix="a.txt.")} == {"a.txt.b.txt"}
    assert all_pages(filled, limit=2, prefix="none") == []


def test_where_records_of_deleted_documents_fill_the_pages_the_state_is_unknown_and_not_wrong(
    filled: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_lists, "_RECORDS_A_PAGE", 1)
    monkeypatch.setattr(document_lists, "_RECORD_PAGES", 2)
    lines = all_pages(filled, limit=100)
    states = expected(filled)
    assert "unknown" in {line.state for line in lines}
    assert all(line.state in ("unknown", states[line.name]) for line in lines)


def test_a_page_takes_nine_calls_at_most(filled: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_lists, "_RECORDS_A_PAGE", 1)
    before = len(filled.trace)
    filled.services.document_lists.documents("", limit=100)
    assert len(filled.trace) - before <= 9


@pytest.mark.parametrize("token", ["x", "e30", "bm8", "\N{PILE OF POO}", "a" * 5, FORGED])
def test_a_token_that_no_list_gave_is_a_bad_request(filled: PipelineOnFakes, token: str) -> None:
    with pytest.raises(BadRequestError, match="token: take it from the list"):
        filled.services.document_lists.documents("", token=token)


def test_failures_are_counted_by_reason_and_the_newest_come_first(filled: PipelineOnFakes) -> None:
    filled.upload("late.txt", b"\x00\x01\x02\x00")
    filled.run()
    found = filled.services.document_lists.failures()
    assert found.by_reason == {"empty": 2, "binary": 1}
    assert found.failures[0].name == "late.txt"
    assert {line.name for line in found.failures} == {"late.txt", *EMPTY}
    assert found.listed_all


def test_failures_with_one_reason_are_listed_and_all_are_counted(filled: PipelineOnFakes) -> None:
    found = filled.services.document_lists.failures(reason="binary")
    assert found.failures == []
    assert found.by_reason == {"empty": 2}
    assert len(filled.services.document_lists.failures(limit=1).failures) == 1


def test_a_record_whose_name_was_cut_does_not_pretend_to_name_its_document(world: PipelineOnFakes) -> None:
    world.upload("n" * 1_020 + ".txt", " ")
    world.run()
    (line,) = world.services.document_lists.failures().failures
    assert line.name is None
    assert line.record.startswith("nnn")


def test_more_failures_than_are_counted_are_said_to_be_more(
    filled: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_lists, "LISTED", 1)
    monkeypatch.setattr(document_lists, "_FAILURE_PAGES", 1)
    found = filled.services.document_lists.failures()
    assert (found.by_reason, found.listed_all) == ({"empty": 1}, False)
