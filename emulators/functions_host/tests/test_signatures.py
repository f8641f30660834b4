"""Our verdict on a declaration, held next to the verdict of Microsoft's own loader."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from functools import wraps
from typing import Any

import azure.functions as func
import pytest

from functions_host.bindings import Binding
from functions_host.settings import AppSettings
from functions_host.signatures import FunctionLoadError, read_signature
from functions_host.testing.microsoft_worker import FunctionLoadError as TheirError
from functions_host.testing.microsoft_worker import index_functions

Declare = Callable[[func.FunctionApp], Any]

queue: dict[str, Any] = {"arg_name": "msg", "queue_name": "q", "connection": "C"}
blob: dict[str, Any] = {"arg_name": "blob", "path": "c/{name}", "connection": "C"}


def plain(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.QueueMessage) -> None: ...


def with_context(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.QueueMessage, context: func.Context) -> None: ...


def without_annotations(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg, context):  # type: ignore[no-untyped-def]
        ...


def trigger_as_text(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: str) -> None: ...


def trigger_as_bytes(app: func.FunctionApp) -> None:
    @app.blob_trigger(**blob)
    def f(blob: bytes) -> None: ...


def http_text(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest) -> str:
        return ""


def wrapped_and_async(app: func.FunctionApp) -> None:
    def logged(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        async def inner(*args: Any, **kwargs: Any) -> Any:
            return await handler(*args, **kwargs)

        return inner

    @app.queue_trigger(**queue)
    @logged
    async def f(msg: func.QueueMessage) -> None: ...


def path_token_as_parameter(app: func.FunctionApp) -> None:
    @app.blob_trigger(**blob)
    def f(blob: func.InputStream, name: str) -> None: ...


def context_by_another_name(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.QueueMessage, ctx: func.Context) -> None: ...


def parameter_with_default(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.QueueMessage, services: Any = None) -> None: ...


def missing_parameter(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f() -> None: ...


def builtin_list(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: list[str]) -> None: ...


def context_of_another_type(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.QueueMessage, context: dict) -> None: ...  # type: ignore[type-arg]


def optional_trigger(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: typing.Optional[func.QueueMessage]) -> None: ...  # noqa: UP045


def trigger_as_out(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.Out[str]) -> None: ...


def wrong_trigger_type(app: func.FunctionApp) -> None:
    @app.queue_trigger(**queue)
    def f(msg: func.InputStream) -> None: ...


def http_returning_a_dict(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest) -> dict:  # type: ignore[type-arg]
        return {}


def http_returning_none(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest) -> None: ...


def http_returning_a_union(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest) -> typing.Union[str, func.HttpResponse]:  # noqa: UP007
        return ""


GOOD = [
    plain,
    with_context,
    without_annotations,
    trigger_as_text,
    trigger_as_bytes,
    http_text,
    wrapped_and_async,
]
BAD = [
    path_token_as_parameter,
    context_by_another_name,
    parameter_with_default,
    missing_parameter,
    builtin_list,
    context_of_another_type,
    optional_trigger,
    trigger_as_out,
    wrong_trigger_type,
    http_returning_a_dict,
    http_returning_none,
    http_returning_a_union,
]


def indexed(declare: Declare) -> Any:
    app = func.FunctionApp()
    declare(app)
    return app.get_functions()[0]


def read_ours(function: Any) -> None:
    bindings = [Binding.from_dict(json.loads(raw), AppSettings({})) for raw in function.get_raw_bindings()]
    read_signature(function.get_function_name(), function.get_user_function(), bindings)


@pytest.mark.parametrize("declare", GOOD)
def test_a_sound_declaration_is_accepted_by_both(declare: Declare) -> None:
    function = indexed(declare)
    index_functions([function])
    read_ours(function)


@pytest.mark.parametrize("declare", BAD)
def test_an_unsound_declaration_is_refused_by_both(declare: Declare) -> None:
    function = indexed(declare)
    with pytest.raises(TheirError):
        index_functions([function])
    with pytest.raises(FunctionLoadError, match="cannot load the function f: "):
        read_ours(function)
