"""HTTP functions: from a request to trigger data, and from the function's output to a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any

from azure.functions.meta import Datum
from starlette.requests import Request
from starlette.responses import Response

from functions_host.functions import Function
from functions_host.web.routes import RouteTemplate
from functions_host.worker.decoding import TriggerData, text
from functions_host.worker.invocation import Outcome, Result

_BODILESS = (204, 304)


@dataclass(frozen=True)
class HttpRoute:
    function: Function
    template: RouteTemplate
    methods: frozenset[str]
    """Empty means every method."""

    @classmethod
    def of(cls, function: Function, prefix: str) -> HttpRoute:
        route = function.trigger.text("route", function.name)
        template = RouteTemplate.parse("/".join(part for part in (prefix, route.strip("/")) if part))
        methods = function.trigger.properties.get("methods") or ()
        return cls(function, template, frozenset(method.upper() for method in methods))


class RouteTable:
    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        routes = [HttpRoute.of(function, prefix) for function in functions]
        self.routes = sorted(routes, key=lambda route: route.template.precedence)

    def find(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        """A method that no route of this path allows is not found either: the host answers 404, not 405."""
        for route in self.routes:
            if route.methods and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route, values
        return None


def http_trigger_data(request: Request, body: bytes, route_values: Mapping[str, str]) -> TriggerData:
    headers = _joined(request.headers.items())
    # The real host drops a value that is empty.
    query = {name: value for name, value in _joined(request.query_params.multi_items()).items() if value.value}
    value = {
        "method": text(request.method),
        "url": text(_raw_url(request)),
        "headers": headers,
        "query": query,
        "params": {name: text(route_value) for name, route_value in route_values.items()},
        "body": Datum(body, "bytes"),
    }
    return TriggerData(Datum(value, "http"), {**query, **{name: text(item) for name, item in route_values.items()}})


def _raw_url(request: Request) -> str:
    """The address as it was asked for: request.url has its path decoded already."""
    path = (request.scope.get("raw_path") or request.url.path.encode()).decode("ascii", errors="replace")
    query = request.url.query
    return f"{request.url.scheme}://{request.url.netloc}{path}" + (f"?{query}" if query else "")


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, Datum]:
    """Repeated names become one value with commas, as .NET's StringValues does."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: text(",".join(items)) for name, items in values.items()}


def to_response(result: Result) -> Response:
    if result.outcome is not Outcome.SUCCEEDED:
        return Response(status_code=500)
    datum = result.response
    if datum is None:
        return Response(status_code=204)
    if datum.type != "http":
        content = datum.value if isinstance(datum.value, bytes) else str(datum.value)
        return Response(content, media_type="text/plain")
    return _http_response(datum.value)


def _http_response(value: Mapping[str, Any]) -> Response:
    status = int(value["status_code"].value)
    body = b"" if status in _BODILESS else value["body"].value
    response = Response(body, status, {name: header.value for name, header in value["headers"].items()})
    cookies: list[SimpleCookie] = value.get("cookies") or []
    for cookie in cookies:
        for morsel in cookie.values():
            response.headers.append("set-cookie", _cookie_text(morsel))
    return response


def _cookie_text(morsel: Morsel[str]) -> str:
    """As ASP.NET writes it: names in lower case, `domain` and `path` always there."""
    parts = [f"{morsel.key}={morsel.coded_value}"]
    parts += [f"{name}={morsel[name]}" for name in ("expires", "max-age") if morsel[name]]
    parts += [f"domain={morsel['domain']}", f"path={morsel['path'] or '/'}"]
    parts += ["secure"] * bool(morsel["secure"])
    parts += [f"samesite={morsel['samesite'].lower()}"] * bool(morsel["samesite"])
    return "; ".join(parts + ["httponly"] * bool(morsel["httponly"]))
