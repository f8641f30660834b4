from __future__ import annotations

from pathlib import Path

import pytest

from functions_host.functions import Binding, Function
from functions_host.signatures import Signature
from functions_host.web.http_trigger import RouteTable
from functions_host.web.routes import RouteError, RouteTemplate, decode_path

NO = None


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        pytest.param("health", "health", {}, id="literal"),
        pytest.param("health", "HEALTH", {}, id="case is ignored"),
        pytest.param("health", "health/", {}, id="trailing slash"),
        pytest.param("health", "healthy", NO, id="longer"),
        pytest.param("projects/{name}/retrain", "projects/demo/retrain", {"name": "demo"}, id="parameter"),
        pytest.param("projects/{name}/retrain", "projects/a/b/retrain", NO, id="a parameter is one segment"),
        pytest.param("jobs/{id?}", "jobs", {}, id="optional, missing"),
        pytest.param("jobs/{id?}", "jobs/7", {"id": "7"}, id="optional, given"),
        pytest.param("jobs/{id=5}", "jobs", {"id": "5"}, id="default"),
        pytest.param("documents/{*name}", "documents/a/b/c.txt", {"name": "a/b/c.txt"}, id="catch-all"),
        pytest.param("documents/{**name}", "documents/a/b", {"name": "a/b"}, id="catch-all, two stars"),
        pytest.param("documents/{*name}", "documents", {}, id="catch-all, empty"),
        pytest.param("documents/{*name}", "documentsx", NO, id="catch-all needs its slash"),
        pytest.param("jobs/{id:int}", "jobs/12", {"id": "12"}, id="int"),
        pytest.param("jobs/{id:int}", "jobs/x", NO, id="int, not one"),
        pytest.param("jobs/{id:int?}", "jobs", {}, id="optional int"),
        pytest.param(
            "jobs/{id:guid}",
            "jobs/0f8fad5b-d9cb-469f-a165-70867728950e",
            {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
            id="guid",
        ),
        pytest.param("a/{x:alpha:length(2,3)}", "a/abc", {"x": "abc"}, id="two constraints"),
        pytest.param("a/{x:alpha:length(2,3)}", "a/abcd", NO, id="two constraints, one fails"),
        pytest.param("a/{x:range(1,5)}", "a/6", NO, id="range"),
        pytest.param("a/{x:min(3)}", "a/3", {"x": "3"}, id="min"),
        pytest.param(r"a/{x:regex(^\d{{3}}$)}", "a/123", {"x": "123"}, id="regex"),
        pytest.param(r"a/{x:regex(^\d{{3}}$)}", "a/1234", NO, id="regex, not matching"),
        pytest.param("files/{name}.{ext}", "files/a.txt", {"name": "a", "ext": "txt"}, id="two in a segment"),
        pytest.param("files/{name}.txt", "files/a.b.txt", {"name": "a.b"}, id="parameter and text"),
        pytest.param("", "", {}, id="root"),
        pytest.param("a/{document-id}", "a/x", {"document-id": "x"}, id="dash in a name"),
    ],
)
def test_templates_match_as_in_aspnet(template: str, path: str, values: dict[str, str] | None) -> None:
    assert RouteTemplate.parse(template).match(path) == values


@pytest.mark.parametrize("template", ["a/{x:colour}", "a/{x}/{x}", "a/{x:length(a)}", "a/{!}"])
def test_a_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(RouteError):
        RouteTemplate.parse(template)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"/a%20b", "/a b", id="space"),
        pytest.param(b"/%C3%A9", "/é", id="utf-8"),
        pytest.param(b"/a%2Fb", "/a%2Fb", id="an escaped slash stays escaped"),
        pytest.param(b"/a%2fb%20", "/a%2fb ", id="also in lower case"),
        pytest.param(b"/100%25", "/100%", id="percent"),
        pytest.param(b"/a%2520b", "/a%20b", id="decoded once"),
        pytest.param(b"/%ff", "/%ff", id="no utf-8 stays"),
        pytest.param(b"/a+b", "/a+b", id="plus is a plus"),
        pytest.param(b"/%zz", "/%zz", id="no escape"),
    ],
)
def test_paths_are_decoded_as_kestrel_does(raw: bytes, expected: str) -> None:
    assert decode_path(raw) == expected


def http_function(name: str, route: str, methods: list[str] | None = None) -> Function:
    trigger = Binding("req", "httpTrigger", False, {"route": route, "methods": methods})
    signature = Signature(False, False, {}, {}, None)
    return Function(name, lambda: None, trigger, (trigger,), signature, Path())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("api/jobs/active", "literal"),
        ("api/jobs/12", "number"),
        ("api/jobs/x", "any"),
        ("api/jobs/x/y", "rest"),
    ],
)
def test_the_most_literal_route_wins_whatever_the_order(path: str, expected: str) -> None:
    functions = [
        http_function("rest", "jobs/{*rest}"),
        http_function("any", "jobs/{id}"),
        http_function("number", "jobs/{id:int}"),
        http_function("literal", "jobs/active"),
    ]
    found = RouteTable(functions, "api").find("GET", path)
    assert found is not None
    assert found[0].function.name == expected


def test_routes_of_one_path_are_told_apart_by_method() -> None:
    functions = [http_function("read", "jobs", ["GET"]), http_function("write", "/jobs/", ["post"])]
    table = RouteTable(functions, "")
    found = table.find("POST", "jobs")
    assert found is not None
    assert found[0].function.name == "write"
    assert table.find("DELETE", "jobs") is None
