from __future__ import annotations

from pathlib import Path

import pytest

from functions_host.bindings import Binding
from functions_host.functions import Function
from functions_host.signatures import BoundType, Signature
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
        pytest.param("documents/{*name}", "documents/a/b/c.txt", {"name": "a/b/c.txt"}, id="catch-all"),
        pytest.param("documents/{**name}", "documents/a/b", {"name": "a/b"}, id="catch-all, two stars"),
        pytest.param("documents/{*name}", "documents", {}, id="catch-all, empty"),
        pytest.param("documents/{*name}", "documentsx", NO, id="catch-all needs its slash"),
        pytest.param("documents/{*name}", "documents/a//b", {"name": "a//b"}, id="catch-all with an empty segment"),
        pytest.param("{*name}", "a/b", {"name": "a/b"}, id="catch-all alone"),
        pytest.param("a/{x}/b", "a//b", NO, id="a parameter is never empty"),
        pytest.param("", "", {}, id="root"),
        pytest.param("a/{document-id}", "a/x", {"document-id": "x"}, id="dash in a name"),
    ],
)
def test_templates_match_as_in_aspnet(template: str, path: str, values: dict[str, str] | None) -> None:
    assert RouteTemplate.parse(template).match(path) == values


@pytest.mark.parametrize("template", ["a/{x:int}", "a/{x?}", "a/{x=5}", "a/{x}.txt", "a/{x}/{x}", "a/{*x}/b", "a/{!}"])
def test_a_template_that_this_host_does_not_know_is_refused(template: str) -> None:
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
    signature = Signature(False, BoundType("httpTrigger", None), None)
    return Function(name, lambda: None, trigger, (trigger,), signature, Path())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("api/jobs/active", "literal"),
        ("api/jobs/x", "any"),
        ("api/jobs/x/y", "rest"),
    ],
)
def test_the_most_literal_route_wins_whatever_the_order(path: str, expected: str) -> None:
    functions = [
        http_function("rest", "jobs/{*rest}"),
        http_function("any", "jobs/{id}"),
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
