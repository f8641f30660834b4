"""The commands against answers of the app as docs/http.md has them: what is asked, what is printed, how each ends."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import respx

from cli.exit_codes import FAILED, INCOMPLETE, NOT_FOUND, OK, REFUSED, UNREACHABLE, USAGE
from shared.reports.model_metrics import MAX_DAYS
from tests.unit.cli.command_world import URL, app, run, sent

__all__ = ["app"]

STATUS: dict[str, Any] = {
    "as_of": "2026-11-24T15:18:07Z",
    "documents": {"as_of": "2026-11-24T15:17:39Z", "documents": 30, "classified": 27, "failed": 1, "missing": 2},
    "batches": {
        "planned": {"batches": 1, "documents": 2},
        "submitted": {"batches": 0, "documents": 0},
        "waiting_for_model": {"batches": 0, "documents": 0},
        "listed_all": True,
    },
    "waiting": {"since": "2026-11-24T15:00:00Z", "why": "a publication is switching models", "batch": "b1"},
    "queues": {"documents": 3, "collect": 0, "batches": 1},
    "oldest_waiting": "2026-11-24T15:00:00Z",
    "recent_failures": [
        {"record": "inbox/[bold].txt.json", "code": "empty", "batch": "b", "failed": "2026-11-24T15:18:00Z"}
    ],
    "searched_all_failures": True,
    "active_model": {
        "project": "letters",
        "kind": "multi_label",
        "label": "first",
        "published": "2026-11-24T15:17:55Z",
        "held_until": None,
        "warning": None,
    },
    "acceptance": {
        "threshold": 0.83,
        "precision": 0.95,
        "confidence": 0.9,
        "documents": 240,
        "documents_needed": None,
        "accepted": 20,
        "review": 7,
        "precision_in_use": {"right": 48, "of": 50, "low": 0.88, "high": 0.99, "since": "2026-11-20T00:00:00Z"},
    },
    "waits": [
        {
            "what": "batches",
            "reason": "language_throttled",
            "since": None,
            "until": "2026-11-24T15:30:00Z",
            "records": 1,
        }
    ],
    "problems": ["totals.json cannot be read: delete it"],
}


def test_the_status_is_said_in_words(app: respx.MockRouter) -> None:
    app.get("/api/status").respond(200, json=STATUS)
    said = run("status")
    assert said.code == OK
    for words in (
        "first, in use since 2026-11-24 15:17",
        "from a confidence of 0.83 on, for a precision of 0.95",
        "48 of 50 audited were right (0.88 to 0.99",
        "30: 27 classified, 1 failed, 2 without a record",
        "2 documents in 1 batches: planned",
        "why: a publication is switching models",
        "language throttled, tried again 2026-11-24 15:30",
        "inbox/[bold].txt",
        "totals.json cannot be read: delete it",
    ):
        assert words in said.out
    assert "{" not in said.out
    assert run("status", "--json").json == STATUS


def test_a_status_with_nothing_in_it_says_what_to_do_first(app: respx.MockRouter) -> None:
    empty = STATUS | {"documents": None, "batches": {"listed_all": True}, "waiting": None, "oldest_waiting": None}
    empty |= {
        "queues": {},
        "recent_failures": [],
        "active_model": None,
        "acceptance": None,
        "waits": [],
        "problems": [],
    }
    app.get("/api/status").respond(200, json=empty)
    said = run("status").out
    assert "none is in use: documents wait for one (pigeonhole first-run" in said
    assert re.search(r"Waiting +nothing\n", said)
    too_few = empty | {"acceptance": STATUS["acceptance"] | {"threshold": None, "documents_needed": 300}}
    app.get("/api/status").respond(200, json=too_few)
    assert "cannot be promised yet, so everything is reviewed: it takes about 300 golden documents" in run("status").out


PROBLEM = {"title": "Unknown document", "status": 404, "detail": "there is no document 'x.txt'"}
ENDS: dict[str, tuple[httpx.Response | Exception, int, str, str]] = {
    "not found": (httpx.Response(404, json=PROBLEM), NOT_FOUND, "there is no document 'x.txt'", "run it again"),
    "an older app": (httpx.Response(404), FAILED, "404 Not Found", "azd deploy"),
    "the wrong key": (
        httpx.Response(401),
        UNREACHABLE,
        "401 Unauthorized",
        "function key where the master key is needed",
    ),
    "no answer": (httpx.ConnectError("refused"), UNREACHABLE, "no answer from", "make up"),
    "unavailable": (httpx.Response(503, json=PROBLEM), UNREACHABLE, "there is no document", "pigeonhole status"),
    "a conflict": (httpx.Response(409, json=PROBLEM), REFUSED, "there is no document", "run it again"),
    "a bug": (httpx.Response(500, json=PROBLEM), FAILED, "there is no document", "pigeonhole status"),
    "a bad request": (httpx.Response(400, json=PROBLEM), USAGE, "there is no document", "run it again"),
}


@pytest.mark.parametrize("case", ENDS)
def test_an_error_is_one_line_with_what_to_do_and_an_exit_code(app: respx.MockRouter, case: str) -> None:
    answer, code, what, do = ENDS[case]
    app.get("/api/documents").mock(side_effect=[answer])
    ended = run("document", "x.txt")
    assert ended.code == code
    (line,) = ended.err.splitlines()
    assert line.startswith("pigeonhole: GET /api/documents?name=x.txt: ")
    assert what in line
    assert do in line
    assert not ended.out


def test_where_a_document_is_is_asked_by_its_whole_name(app: respx.MockRouter) -> None:
    classification = {"classes": [{"name": "billing", "confidence": 0.93}], "model": {"label": "first"}}
    classification |= {"decision": {"decision": "review"}, "review": {"by": "kim", "classes": ["shipping"]}}
    failure = {"code": "empty", "message": "the document holds no text"}
    found = {"name": "a/b c%.txt", "state": "classified", "why": "this version is classified", "batch": None}
    route = app.get("/api/documents")
    route.respond(200, json=found | {"classification": classification, "failure": failure})
    said = run("document", "a/b c%.txt")
    assert route.calls.last.request.url.params["name"] == "a/b c%.txt"
    assert "0.93  billing" in said.out
    assert "kim decided: shipping" in said.out
    assert "failed with empty: the document holds no text" in said.out


def test_failures_are_listed_by_reason(app: respx.MockRouter) -> None:
    failure = {"name": "inbox/[red].txt", "code": "empty", "failed": "2026-11-24T15:18:00Z", "message": "no text"}
    route = app.get("/api/failures")
    route.respond(200, json={"failures": [failure], "by_reason": {"empty": 12, "poisoned": 3}, "listed_all": False})
    said = run("failures", "--reason", "empty", "--prefix", "inbox/", "--limit", "5")
    assert dict(route.calls.last.request.url.params) == {"limit": "5", "reason": "empty", "prefix": "inbox/"}
    assert "at least     12  empty" in said.out
    assert "inbox/[red].txt" in said.out
    route.respond(200, json={"failures": [], "by_reason": {}, "listed_all": True})
    assert "Nothing has failed." in run("failures").out


def test_a_failure_record_that_is_not_ours_is_listed_by_its_own_name(app: respx.MockRouter) -> None:
    failure = {"name": None, "record": "long~1f.json", "code": None, "failed": "2026-11-24T15:18:00Z"}
    app.get("/api/failures").respond(200, json={"failures": [failure], "by_reason": {"unknown": 1}, "listed_all": True})
    assert "long~1f.json" in run("failures").out


def test_documents_are_sent_again_by_name(app: respx.MockRouter) -> None:
    route = app.post("/api/documents/classify")
    route.side_effect = [httpx.Response(202, json={"name": "a", "state": "sent"}), httpx.Response(404, json=PROBLEM)]
    ended = run("send-again", "a.txt", "x.txt", "--json")
    assert ended.code == INCOMPLETE
    assert [each["name"] for each in ended.json["refused"]] == ["x.txt"]
    assert "not sent: x.txt" in ended.err


def redrive(app: respx.MockRouter, *, documents: int) -> respx.Route:
    def answer(request: httpx.Request) -> httpx.Response:
        if b"dry_run" in request.content:
            return httpx.Response(200, json={"dry_run": True, "documents": documents})
        return httpx.Response(202, json={"operation": "/api/operations/op", "id": "op", "state": "running"})

    ended = {"id": "op", "kind": "reclassify", "state": "succeeded", "seen": 25, "sent": 24, "skipped": 1}
    app.get("/api/operations/op").respond(200, json=ended)
    return app.post("/api/failures/redrive").mock(side_effect=answer)


def test_what_failed_is_sent_again_only_when_someone_says_so(app: respx.MockRouter) -> None:
    route = redrive(app, documents=25)
    counted = run("send-again", "--reason", "poisoned", "--dry-run")
    assert "25 documents would be sent again" in counted.out
    nobody = run("send-again", "--reason", "poisoned", said="")
    assert nobody.code == USAGE
    assert "Say so with --yes" in nobody.err
    assert all(body["dry_run"] for body in sent(route))
    done = run("send-again", "--reason", "poisoned", "--yes")
    assert "Sent again: 24 documents, 1 left out (succeeded)" in done.out
    assert sent(route)[-1] == {"reason": "poisoned", "confirm": True}


def test_nothing_is_sent_again_without_saying_what(app: respx.MockRouter) -> None:
    for arguments in ((), ("a.txt", "--all")):
        ended = run("send-again", *arguments)
        assert ended.code == USAGE
        assert "--reason, --prefix or --all" in ended.err


GATE: dict[str, Any] = {
    "verdict": "worse",
    "reason": "micro_f1 is 0.700 on 240 golden documents",
    "metric": "micro_f1",
    "difference": -0.1,
    "interval": [-0.13, -0.07],
    "documents": 240,
    "losses": [{"name": "billing", "recall_lost": 0.3, "documents": 40}],
}


def training(app: respx.MockRouter, **members: Any) -> respx.Route:
    record = {"id": "op", "kind": "retrain", "state": "succeeded", "step": "switch", "label": "june", "gate": None}
    record |= {"reason": "june is in use", "candidate_evaluation": None, **members}
    app.get("/api/operations/op").respond(200, json=record)
    return app.post("/api/projects/letters/retrain").respond(202, json={"operation": "/api/operations/op"})


def test_a_verdict_is_said_in_words_and_a_refusal_has_its_exit_code(app: respx.MockRouter) -> None:
    route = training(app, state="refused", gate=GATE, reason=GATE["reason"])
    ended = run("train", "--model", "june", "--tolerance", "0.02", "--on-unclear", "refuse")
    assert ended.code == REFUSED
    assert "june is worse than the model in use" in ended.out
    assert "-0.100, between -0.130 and -0.070 four times in five, on 240 golden documents" in ended.out
    assert "billing lost 0.30 of its recall" in ended.out
    gate = {"tolerance": 0.02, "on_unclear": "refuse"}
    assert sent(route) == [{"publish": True, "force": False, "gate": gate, "model": "june"}]


def test_progress_goes_to_stderr_and_json_to_stdout(app: respx.MockRouter) -> None:
    training(app, gate=GATE | {"verdict": "better"})
    ended = run("train", "--json")
    assert ended.code == OK
    assert ended.json["label"] == "june"
    assert "Train" in ended.err
    training(app)
    assert "june succeeded" in run("train").out


def test_a_training_that_failed_is_no_success(app: respx.MockRouter) -> None:
    training(app, state="failed", reason="the service refused it")
    ended = run("train")
    assert ended.code == FAILED
    assert "ended as failed: the service refused it" in ended.err


def test_forcing_a_model_is_asked_for(app: respx.MockRouter) -> None:
    route = training(app)
    assert run("train", "--force").code == USAGE
    assert not route.called
    assert run("train", "--force", "--yes").code == OK


def test_another_operation_is_never_taken_for_the_publication(app: respx.MockRouter) -> None:
    problem = {"title": "An operation is running", "detail": "d", "operation": "/api/operations/op"}
    training(app, state="running")
    app.post("/api/projects/letters/publish").respond(409, json=problem)
    ended = run("publish", "may", "--yes")
    assert ended.code == REFUSED
    assert "An operation is running" in ended.err
    training(app, kind="publish", label="may", reason="may is in use")
    joined = run("publish", "may", "--yes")
    assert (joined.code, "may is in use" in joined.out) == (OK, True)


def test_models_and_the_figures_of_one(app: respx.MockRouter) -> None:
    model = {"model": "first", "trained": "succeeded", "trained_at": "2026-11-24T15:18:00Z", "evaluated": "succeeded"}
    route = app.get("/api/projects/letters/models")
    route.respond(200, json={"models": [model | {"published": "succeeded", "model_id": None, "in_use": True}]})
    assert re.search(r"first .* yes .* 2026-11-24T15:18:00", run("models").out)
    counts = {"true_positives": 8, "false_negatives": 2, "true_negatives": 9, "false_positives": 1}
    by_class = {"billing": {"precision": 0.9, "recall": 0.8, "f1": 0.847, **counts}}
    evaluation = {"kind": "multi_label", "label": "first", "micro_f1": 0.9, "macro_f1": 0.8, "classes": by_class}
    app.get("/api/projects/letters/evaluation", params={"model": "first"}).respond(200, json=evaluation)
    assert re.search(r"billing .*0.900 .*0.800 .*0.847 .*10", run("models", "first").out)
    route.respond(200, json={"models": []})
    assert "There is no model yet" in run("models").out


PROJECT = {
    "name": "letters",
    "kind": "multi_label",
    "language": "en-us",
    "multilingual": False,
    "description": "of ours",
    "container": "training",
    "labels_file": "labels.json",
    "acceptance": None,
    "warnings": [],
}


def test_a_precision_is_asked_for_and_all_else_of_the_project_stays(app: respx.MockRouter) -> None:
    rule = {"precision": 0.95, "confidence": 0.9, "right": "exact"}
    app.get("/api/projects/letters").respond(200, json=PROJECT)
    answer = PROJECT | {"acceptance": rule, "warnings": ["34 golden documents are too few"]}
    put = app.put("/api/projects/letters").respond(200, json=answer)
    asked = run("acceptance", "--precision", "0.95")
    assert (asked.code, sent(put)) == (
        OK,
        [
            {
                name: PROJECT[name]
                for name in ("kind", "language", "multilingual", "description", "container", "labels_file")
            }
            | {"acceptance": {"precision": 0.95}}
        ],
    )
    assert "0.95 of what is accepted is right" in asked.out
    assert "34 golden documents are too few" in asked.out
    assert "pigeonhole send-again" in asked.out
    assert run("acceptance").out.startswith("letters asks for no precision")
    assert run("acceptance", "--off", "--precision", "0.9").code == USAGE
    run("acceptance", "--off")
    assert sent(put)[-1]["acceptance"] is None


def test_an_id_of_a_review_is_never_cut(app: respx.MockRouter) -> None:
    listed = item(1) | {"id": f"00412-{'6f1c' * 10}", "name": "a long folder/" * 8 + "letter.txt"}
    app.get("/api/reviews").respond(200, json={"reviews": [listed], "more": False})
    assert listed["id"] in run("review", "list", environment={"COLUMNS": "80"}).out


def test_metrics_are_shown_by_day_with_what_has_drifted(app: respx.MockRouter) -> None:
    day = {"day": "2026-11-24", "model": "first", "documents": 40, "classes": {"billing": 30, "shipping": 12}}
    day |= {"confidence": [0] * 9 + [40], "accepted": 33, "review": 7, "estimated_accuracy": 0.912}
    drift = {"has_left": True, "p_value": 0.0004, "documents": 400, "class": "billing"}
    models = [{"model": "first", "documents": 400, "estimated_accuracy": 0.9, "drift": drift}]
    route = app.get("/api/metrics")
    route.respond(200, json={"as_of": "x", "days": [day], "models": models, "listed_all": False})
    said = run("metrics", "--days", "30")
    assert route.calls.last.request.url.params["days"] == "30"
    assert re.search(r"2026-11-24 .*first .*40 .*33 .*7 .*0.91 .*billing 30, shipping 12", said.out)
    assert "no longer those it was tried on (p 0.0004, 400 documents, most of all billing)" in said.out
    assert "the figures are of a part" in said.out


def test_batches_of_an_earlier_release_have_a_day_without_a_model(app: respx.MockRouter) -> None:
    day: dict[str, Any] = {"day": "2026-11-24", "project": None, "model": None, "documents": 40, "classes": {}}
    day |= {"accepted": 0, "review": 0, "estimated_accuracy": None}
    app.get("/api/metrics").respond(200, json={"days": [day], "models": [], "listed_all": True})
    assert re.search(r"2026-11-24 .*unknown .*40 ", run("metrics").out)


def test_no_more_is_asked_for_than_the_app_gives(app: respx.MockRouter) -> None:
    for most in (("metrics", "--days", MAX_DAYS), ("failures", "--limit", 200), ("review", "list", "--limit", 200)):
        *command, limit = most
        assert run(*command, str(int(limit) + 1)).code == USAGE, command
    assert not app.calls


def item(number: int, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": f"i{number}",
        "name": f"inbox/{number}.txt",
        "etag": '"1"',
        "model": "first",
        "reason": "review",
    }
    found |= {"confidence": 0.4, "classes": [{"name": "billing", "confidence": 0.4}], "created": "2026-11-24T15:00:00Z"}
    found |= {"text": f"Letter {number}\x1b]0;title\x07", "truncated": False, "kind": "multi_label"}
    return found | {"choices": ["billing", "shipping", "complaint"], "state": "open", "review": None} | members


def queue(app: respx.MockRouter, count: int) -> respx.Route:
    items = [item(number) for number in range(count)]
    app.get("/api/reviews").respond(200, json={"reviews": items, "more": False})
    for each in items:
        app.get(f"/api/reviews/{each['id']}").respond(200, json=each)
    return app.put(url__regex=rf"{URL}/api/reviews/.*").respond(200, json=item(0))


def test_a_person_reviews_one_document_after_the_other(app: respx.MockRouter) -> None:
    put = queue(app, 5)
    undone = app.delete("/api/reviews/i1").respond(200, json=item(1))
    # Enter, a wrong number, two numbers, undo, the undone one once more, skip, quit.
    ended = run("review", "start", "--by", "kim", said="\n9\n2,3\nu\n1\ns\nq\n")
    assert ended.code == OK, ended.err
    bodies = sent(put)
    assert bodies[:2] == [
        {"classes": ["billing"], "by": "kim"},
        {"classes": ["shipping", "complaint"], "by": "kim"},
    ]
    assert undone.call_count == 1
    assert {"skip": True, "by": "kim"} in bodies
    assert "neither a number up to 3 nor one of s, u, q" in ended.err
    assert "\x1b" not in ended.out, "a document moves no cursor"
    assert "Letter 0" in ended.out
    assert "2 decided" in ended.out


def test_a_single_label_project_takes_one_number(app: respx.MockRouter) -> None:
    queue(app, 1)
    app.get("/api/reviews/i0").respond(200, json=item(0, kind="single_label"))
    ended = run("review", "start", said="1 2\nq\n")
    assert "takes one class" in ended.err
    assert "0 decided" in ended.out


def test_what_another_has_decided_is_said_and_passed_over(app: respx.MockRouter) -> None:
    put = queue(app, 2)
    problem = {"title": "Changed", "detail": "kim has decided: shipping"}
    put.side_effect = [httpx.Response(409, json=problem), httpx.Response(200, json=item(1))]
    ended = run("review", "start", said="\n\n")
    assert "kim has decided: shipping" in ended.err
    assert "1 decided" in ended.out


def test_a_document_that_has_changed_meanwhile_is_passed_over(app: respx.MockRouter) -> None:
    queue(app, 2)
    problem = {"title": "The document has changed", "detail": "'inbox/0.txt' was overwritten"}
    app.get("/api/reviews/i0").respond(409, json=problem)
    ended = run("review", "start", said="\nq\n")
    assert ended.code == OK, ended.err
    assert "was overwritten" in ended.err
    assert "1 decided" in ended.out


def test_a_result_without_a_class_is_listed_without_a_confidence(app: respx.MockRouter) -> None:
    app.get("/api/reviews").respond(200, json={"reviews": [item(0, classes=[], confidence=None)], "more": False})
    assert re.search(r"i0 .*inbox/0.txt .*no class", run("review", "list").out)


def test_reviews_are_listed_shown_decided_and_undone(app: respx.MockRouter) -> None:
    put = queue(app, 2)
    listed = run("review", "list", "--limit", "2", "--class", "billing")
    assert re.search(r"i0 .*inbox/0.txt .*0.40 .*billing 0.40 .*not sure enough", listed.out)
    assert "3 " in run("review", "show", "i0").out
    assert run("review", "decide", "i0", "shipping", "--by", "kim").code == OK
    assert run("review", "decide", "i0", "--none").code == OK
    assert sent(put) == [{"classes": ["shipping"], "by": "kim"}, {"classes": []}]
    assert run("review", "decide", "i0").code == USAGE
    app.delete("/api/reviews/i0").respond(200, json=item(0))
    assert "waits for review again" in run("review", "undo", "i0").out
    app.get("/api/reviews").respond(200, json={"reviews": [], "more": False})
    assert "Nothing waits for review." in run("review", "list").out


def test_a_command_that_finds_no_app_says_so(app: respx.MockRouter) -> None:
    ended = run("status", environment={"PIGEONHOLE_KEY": ""})
    assert ended.code == USAGE
    assert "--url also needs PIGEONHOLE_KEY in the environment" in ended.err
