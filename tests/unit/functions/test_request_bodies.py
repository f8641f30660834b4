"""Bodies of requests: their size, their depth, their encoding, alike at every function; and what an answer quotes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

import functions
from functions.http import read_body
from functions.routes import MAX_BODY_BYTES, MAX_LABELS_BYTES, Route
from shared.errors import QUOTED_CHARACTERS, quoted
from shared.json_input import MAX_VALUES, parse_json
from shared.models.labels import MAX_ENTRIES, parse_labels
from shared.models.projects import ProjectRequest
from shared.reports.bodies import LISTED_PROBLEMS
from tests.unit.operations.operations_world import OperationsWorld, labels

LARGER = {"put_labels": MAX_LABELS_BYTES}
READERS = {
    "put_project",
    "put_labels",
    "retrain",
    "publish",
    "reclassify",
    "redrive_failures",
    "redrive_dead_letters",
}
DEEP = b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
ROUTE = {"project": "letters", "path": "t0.txt/classify", "id": "0", "model": "one", "label": "one"}


@pytest.fixture
def world() -> OperationsWorld:
    return OperationsWorld(api_version="2021-preview")


class Routes:
    """Every HTTP function of the app, by name, with its method."""

    def __init__(self, world: OperationsWorld) -> None:
        builders = [each for bp in functions.blueprints(world.services) for each in bp._function_builders]
        found = {each._function.get_function_name(): each._function for each in builders}
        triggers = {name: each.get_trigger() for name, each in found.items()}
        self.methods = {
            str(name): str(trigger.get_dict_repr()["methods"][0])
            for name, trigger in triggers.items()
            if trigger is not None and trigger.get_dict_repr()["type"] == "httpTrigger"
        }
        self._handlers = {name: found[name].get_user_function() for name in self.methods}

    def __iter__(self) -> Iterator[str]:
        return iter(self.methods)

    def answer(self, name: str, body: bytes, content_type: str = "application/json") -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": content_type}
        asked = func.HttpRequest(
            self.methods[name], "http://app/api", headers=headers, params={}, route_params=ROUTE, body=body
        )
        response = self._handlers[name](asked)
        return response.status_code, json.loads(response.get_body())


@pytest.fixture
def routes(world: OperationsWorld) -> Routes:
    return Routes(world)


# Size and depth


def test_no_function_takes_a_body_over_its_limit_whether_it_reads_bodies_or_not(routes: Routes) -> None:
    for name in routes:
        limit = LARGER.get(name, MAX_BODY_BYTES)
        status, problem = routes.answer(name, b" " * (limit + 1))
        assert (status, problem["title"]) == (413, "The body is too large"), name
        assert problem["detail"] == f"the body has {limit + 1} bytes; this function takes {limit} at most"
        assert routes.answer(name, b" " * limit)[0] != 413, name


def test_a_body_that_is_nested_too_deeply_cannot_be_read_by_any_function_that_reads_bodies(routes: Routes) -> None:
    answers = {name: routes.answer(name, DEEP) for name in routes}
    assert {
        name for name, (status, _) in answers.items() if status == 400 and "nested" in str(answers[name])
    } == READERS
    assert not [name for name, (status, _) in answers.items() if status == 500]


def test_values_are_counted_before_any_is_read() -> None:
    with pytest.raises(ValueError, match=f"about {MAX_VALUES + 2} values; {MAX_VALUES} are read at most"):
        parse_json(b"[" + b"," * (MAX_VALUES + 1) + b"this is no JSON")


# Encoding


TEXT = '{"kind": "multi_label", "description": "Größe"}'
LABELS_TEXT = json.dumps(labels(), ensure_ascii=False).replace("billing", "Größe")
ENCODINGS: dict[str, tuple[str, str]] = {
    "UTF-8": ("utf-8", "application/json"),
    "UTF-8 with a mark": ("utf-8-sig", "application/json"),
    "UTF-16 with a mark, as PowerShell writes": ("utf-16", "application/json"),
    "UTF-16 without a mark": ("utf-16-le", "application/json; charset=utf-16"),
    "UTF-16 without a mark and any other order": ("utf-16-be", "application/json"),
    "UTF-32 with a mark": ("utf-32", "text/json"),
    "Windows-1252 that says so": ("cp1252", 'application/json; charset="windows-1252"'),
    "ISO-8859-1 that says so": ("latin-1", "application/json;charset=ISO-8859-1"),
    "UTF-8 that says so": ("utf-8", "application/json; charset=UTF-8"),
    "UTF-8 of an unknown name": ("utf-8", "application/json; charset=whatever"),
    "UTF-16 with a mark that says UTF-8": ("utf-16", "application/json; charset=utf-8"),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_a_body_is_read_in_the_encoding_it_is_in(world: OperationsWorld, routes: Routes, case: str) -> None:
    encoding, content_type = ENCODINGS[case]
    headers = {"Content-Type": content_type}
    request = func.HttpRequest("PUT", "http://app/api", headers=headers, body=TEXT.encode(encoding))
    assert read_body(request, ProjectRequest).description == "Größe"
    for number in range(20):
        world.stores["training"].write_unhooked(f"t{number}.txt", b"about billing")
    status, stored = routes.answer("put_labels", LABELS_TEXT.encode(encoding), content_type)
    assert (status, list(stored["classes"])) == (200, ["Größe", "shipping"])


def test_bytes_that_fit_no_encoding_are_refused_with_what_to_do(routes: Routes) -> None:
    for name in READERS:
        status, problem = routes.answer(name, '{"description": "Größe"}'.encode("latin-1"))
        assert status == 400, name
        assert "save it as UTF-8, or give its charset in Content-Type" in problem["detail"], name


def test_a_key_that_occurs_twice_is_refused_because_one_of_the_two_would_be_lost(routes: Routes) -> None:
    for name in READERS:
        status, problem = routes.answer(name, b'{"kind": "multi_label", "kind": "single_label"}')
        assert (status, "the key 'kind' occurs twice" in problem["detail"]) == (400, True), name


# Answers


def test_at_most_100_problems_are_listed_and_the_others_counted(routes: Routes) -> None:
    content = labels(1)
    content["assets"]["documents"] = [
        {"location": f"gone{number}.txt", "classes": [{"category": "billing"}]} for number in range(250)
    ]
    status, problem = routes.answer("put_labels", json.dumps(content).encode())
    assert (status, len(problem["problems"]), problem["more"]) == (422, LISTED_PROBLEMS, 151)
    assert problem["detail"] == "the labels file has 251 problems; nothing was replaced"
    status, problem = routes.answer("retrain", json.dumps({f"x{number}": 1 for number in range(250)}).encode())
    assert (status, len(problem["problems"]), problem["more"]) == (400, LISTED_PROBLEMS, 150)
    assert problem["detail"].endswith("; and 245 more")


def test_values_are_quoted_to_100_characters(routes: Routes) -> None:
    long = "x" * 1_000_000
    content = labels()
    content["assets"]["classes"][0]["category"] = long
    content["assets"]["documents"][0] |= {"location": f"{long}.txt", "language": long, "dataset": long}
    content["assets"]["documents"][1]["classes"] = [{"category": f"{long}y"}]
    content["assets"]["documents"][2][long] = 1
    status, problem = routes.answer("put_labels", json.dumps(content).encode())
    assert status == 422
    assert all(len(each["what"]) < 4 * QUOTED_CHARACTERS for each in problem["problems"])
    status, problem = routes.answer("retrain", json.dumps({"x" * 50_000: 1}).encode())
    assert (status, len(json.dumps(problem)) < 1_000) == (400, True)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a'b", '"a\'b"'),
        ("x" * 100, f"'{'x' * 99}…"),
        ("x" * 101, f"'{'x' * 99}…"),
        ("\x00" * 500, repr("\x00" * 100)[:100] + "…"),
        (10**150, "1" + "0" * 99 + "…"),
        (None, "None"),
        ([["a secret"]], "a list"),
        ({"a": "secret"}, "an object"),
    ],
)
def test_a_quoted_value_is_short_and_never_the_inside_of_a_list(value: object, shown: str) -> None:
    assert quoted(value) == shown


# Work


class Counted(str):
    """A name that counts how often it is compared or hashed."""

    __slots__ = ()
    work = 0

    def __eq__(self, other: object) -> bool:
        Counted.work += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.work += 1
        return str.__hash__(self)


def work_of(names: int, documents: int) -> int:
    entries = [{"category": Counted(f"c{number}")} for number in range(names)]
    content = {
        "assets": {
            "classes": entries,
            "documents": [
                {"location": f"t{number}.txt", "classes": [{"category": Counted(f"c{number % names}")}]}
                for number in range(documents)
            ],
        }
    }
    Counted.work = 0
    assert len(parse_labels(content).classes) == min(names, MAX_ENTRIES)
    return Counted.work


def test_reading_labels_takes_no_more_than_one_look_at_each_name_and_label() -> None:
    assert work_of(200, 2_000) < 10 * 2_200
    # Ten times the classes and the documents: ten times the work, not a hundred times.
    assert work_of(1_000, 10_000) < 12 * work_of(100, 1_000)
    # What no version takes is not read to its end.
    assert work_of(60_000, 10) <= work_of(MAX_ENTRIES, 10)


def test_a_route_that_names_no_limit_has_the_small_one() -> None:
    assert Route("get_health", "GET", "health", "status").max_body == MAX_BODY_BYTES
