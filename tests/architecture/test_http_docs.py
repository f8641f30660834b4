"""docs/http.md describes the functions, the members of every answer and the problems that the code has."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from functions.routes import ROUTES
from shared.models.evaluations import Comparison
from shared.models.gate import Metric
from shared.models.projects import ProjectRequest
from shared.operations.operation import (
    OPERATION,
    ReclassifyRequest,
    RedriveDeadLettersRequest,
    RedriveRequest,
    RetrainRequest,
    Step,
)
from shared.reports.bodies import Body
from shared.reports.projects import EvaluationBody
from shared.reports.reviews import DecisionRequest
from tests.architecture.source import ROOT, modules
from tests.infra.code import functions

PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
RECORDS = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")

REQUESTS: list[type[BaseModel]] = [
    ProjectRequest,
    RetrainRequest,
    ReclassifyRequest,
    RedriveRequest,
    RedriveDeadLettersRequest,
    DecisionRequest,
]

# Keys of the examples that are no members: classes, a reason of failures, a part of health, and members of a labels
# file (the service's).
OF_THE_EXAMPLES = {"billing", "shipping", "empty", "language", "intentNames", "intents", "location"}


def bodies_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    return {model}.union(*(bodies_below(each) for each in model.__subclasses__()))


# With every handler, every body is imported.
for _route in ROUTES:
    import_module(f"functions.{_route.module}")
BODIES: list[type[BaseModel]] = [
    *sorted(bodies_below(Body) - {Body}, key=lambda body: body.__name__),
    EvaluationBody,
    Comparison,
    *REQUESTS,
]


def property_names(schema: dict[str, Any]) -> set[str]:
    """The members of a JSON schema and of everything it is made of."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


def members(model: type[BaseModel]) -> set[str]:
    return property_names(TypeAdapter(model).json_schema(by_alias=True, mode="serialization"))


OPERATION_MEMBERS = property_names(OPERATION.json_schema(by_alias=True, mode="serialization"))
# Written in code: members are listed in one span, with spaces, or shown in an example.
WORDS = {
    word
    for text in (PAGE, RECORDS)
    for span in re.findall(r"```.*?```|`[^`\n]*(?:\n[^`\n]*)?`", text, re.DOTALL)
    for word in re.findall(r"\w+", span)
}


def documented_functions() -> dict[str, tuple[str, str]]:
    """Method and path, without a query, by the function's name."""
    rows = re.findall(r"^\| `(\w+)` \| `(GET|PUT|POST|DELETE) /api/([^`?]+)", PAGE, re.MULTILINE)
    return {name: (method, path) for name, method, path in rows}


OF_ONE_DOCUMENT = {"classify_document", "decide_review", "undo_review"}
KEYS = {"FUNCTION": "function", "ADMIN": "master", "ANONYMOUS": "none"}
# Static files, the same for everybody.
WITHOUT_A_KEY = {"get_page"}


def documented_keys() -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| `(?:GET|PUT|POST|DELETE) [^|]+ \| (\w+) \|", PAGE, re.MULTILINE))


def test_every_http_function_has_the_key_that_opens_it() -> None:
    triggers = {name: each.trigger for name, each in functions().items() if each.trigger["type"] == "httpTrigger"}
    assert documented_keys() == {name: KEYS[trigger["authLevel"]] for name, trigger in triggers.items()}


def test_only_what_reads_sends_or_reviews_one_document_is_open_to_a_function_key() -> None:
    methods = {name: method for name, (method, _) in http_functions().items()}
    keys = documented_keys()
    open_to_it = {name for name, key in keys.items() if key == "function"}
    reads = {name for name, method in methods.items() if method == "GET"}
    assert open_to_it == reads - WITHOUT_A_KEY | OF_ONE_DOCUMENT
    assert {name for name, key in keys.items() if key == "none"} == WITHOUT_A_KEY


def http_functions() -> dict[str, tuple[str, str]]:
    found = {}
    for name, each in functions().items():
        if each.trigger["type"] == "httpTrigger":
            (method,) = each.trigger["methods"]
            found[name] = (str(method), str(each.trigger["route"]))
    return found


def without_names(path: str) -> str:
    """Parameters have names of their own in the code and on the page."""
    return re.sub(r"\{[^}]+\}", "{}", path)


def test_every_http_function_has_its_row_with_method_and_address() -> None:
    documented, existing = documented_functions(), http_functions()
    assert set(documented) == set(existing)
    for name, (method, route) in existing.items():
        asked, path = documented[name]
        assert asked == method, name
        # `documents/{*path}` takes the rest of the address, with or without /classify.
        assert without_names(path).startswith(without_names(route)), f"{name}: {path} is not below {route}"


def test_the_page_counts_the_functions() -> None:
    words = {
        27: "Twenty-seven",
        28: "Twenty-eight",
        29: "Twenty-nine",
        30: "Thirty",
        31: "Thirty-one",
        32: "Thirty-two",
    }
    words |= {33: "Thirty-three", 34: "Thirty-four", 35: "Thirty-five", 36: "Thirty-six"}
    assert f"{words[len(http_functions())]} functions below `/api`." in PAGE


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_member_of_a_body_is_on_the_page(body: type[BaseModel]) -> None:
    missing = members(body) - WORDS
    assert not missing, f"docs/http.md does not name {missing}"


def test_every_member_of_an_operation_is_on_the_page() -> None:
    missing = OPERATION_MEMBERS - WORDS
    assert not missing, f"docs/http.md does not name {missing}"


def test_examples_show_no_member_that_the_code_does_not_have() -> None:
    known = OPERATION_MEMBERS.union(*(members(body) for body in BODIES), Metric, Step, OF_THE_EXAMPLES)
    blocks = re.findall(r"```console.*?```", PAGE, re.DOTALL)
    shown = {key for block in blocks for key in re.findall(r'"(\w+)":', block) if not key.isdigit()}
    assert shown, "there are no examples"
    assert shown - known == set()


def titles_of_the_code() -> set[str]:
    text = "\n".join(module.text for module in modules("functions"))
    return {*re.findall(r'title="([^"]+)"', text), *re.findall(r'\(\w+Error, \d{3}, "([^"]+)"\)', text)}


def test_the_table_of_problems_has_every_title_and_no_other() -> None:
    table = PAGE.partition("\n## Problems\n")[2]
    cells = [line.split(" | ")[1] for line in table.splitlines() if re.match(r"\| \d{3}", line)]
    documented = {title for cell in cells for title in re.findall(r"`([^`]+)`", cell)} - {"name"}
    assert documented == titles_of_the_code()


def test_the_statuses_of_errors_are_those_of_the_code() -> None:
    table = PAGE.partition("\n## Problems\n")[2]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if re.match(r"\| \d{3}", line)]
    documented = {(status, title) for cells in rows for status in cells[0].split(", ") for title in cells[1].split("`")}
    text = "\n".join(module.text for module in modules("functions"))
    for status, title in re.findall(r'\(\w+Error, (\d{3}), "([^"]+)"\)', text):
        assert (status, title) in documented, f"{title} is answered with {status}"


def test_requests_of_the_examples_can_be_read() -> None:
    bodies = [json.loads(body) for body in re.findall(r"-d '(\{.*?\})'", PAGE)]
    readable = [
        body for body in bodies if "intentNames" in body or any(set(body) <= members(request) for request in REQUESTS)
    ]
    assert bodies, "no example sends a body"
    assert readable == bodies
