"""The command in this process, against an app whose answers a test gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import respx
from typer.testing import CliRunner

from cli.main import app as pigeonhole

URL = "https://letters.example"


@dataclass(frozen=True)
class Run:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str, said: str | None = None, environment: Mapping[str, str] | None = None) -> Run:
    """`pigeonhole ARGUMENTS --url ...`; `said` is typed. The terminal is as wide as no table is."""
    values = {"PIGEONHOLE_KEY": "the-key", "PIGEONHOLE_STORAGE": "UseDevelopmentStorage=true", "COLUMNS": "240"}
    result = CliRunner().invoke(
        pigeonhole, [*arguments, "--url", URL], input=said, env={**values, **(environment or {})}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "the-key" not in result.output
    return Run(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def app() -> Any:
    """Any request that a test does not expect fails it."""
    with respx.mock(base_url=URL, assert_all_called=False) as router:
        router.get("/api/health").respond(200, json={"language": {"project": "letters"}})
        yield router


def sent(route: respx.Route) -> list[Any]:
    """The bodies of the requests, in their order."""
    return [json.loads(call.request.content or b"null") for call in route.calls]
