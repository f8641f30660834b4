"""The same app in Microsoft's own hands: their loader indexes it, their binding code invokes it.

PyPI `azure-functions-runtime` is the library inside the real worker of Python 3.13. It is private and asks for that
Python, so only tests use it, pinned. It keeps its functions in a module, so one app is loaded at a time in a process.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum
from azure_functions_runtime import handle_event, loader, native_invocation
from azure_functions_runtime.bindings import datumdef
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.functions import FunctionLoadError
from azure_functions_runtime.utils.threadpool import start_threadpool_executor, stop_threadpool_executor

from functions_host.worker.decoding import BlobContent, TriggerData

__all__ = ["FunctionLoadError", "MicrosoftWorker", "WorkerAnswer", "microsoft_worker"]


@dataclass(frozen=True)
class WorkerAnswer:
    returned: Datum | None
    error: str | None
    """The exception and its traceback; None when the invocation succeeded."""


class MicrosoftWorker:
    """The indexed app. `functions` are the library's own objects, by name."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self.functions = functions

    def invoke(self, name: str, trigger: TriggerData) -> WorkerAnswer:
        answer = asyncio.run(
            native_invocation.invocation_request_native(
                str(uuid.uuid4()),
                str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
                [(self.functions[name].get_trigger().name, _theirs(_value_of(trigger)))],
                {key: _theirs(datum) for key, datum in trigger.metadata.items()},
            )
        )
        is_ok, returned, _, error, trace = answer
        return WorkerAnswer(
            returned=returned,
            error=None if is_ok else f"{error}\n{trace}",
        )


@contextmanager
def microsoft_worker(app_folder: Path) -> Iterator[MicrosoftWorker]:
    """Raises what their loader raises: FunctionLoadError, ValueError, or the app's own import error."""
    before, folder = list(sys.path), Path.cwd()
    sys.modules.pop("function_app", None)
    sys.path.insert(0, str(app_folder.resolve()))
    os.chdir(app_folder)
    importlib.invalidate_caches()
    start_threadpool_executor()
    try:
        yield MicrosoftWorker(index_functions(loader.index_function_app("function_app.py")))
    finally:
        stop_threadpool_executor()
        os.chdir(folder)
        sys.path[:] = before
        sys.modules.pop("function_app", None)


def index_functions(functions: list[Any]) -> dict[str, Any]:
    """Their verdict on the functions of an app; raises FunctionLoadError."""
    load_binding_registry()
    handle_event._functions._functions.clear()
    loader.process_indexed_function(_PROTOS, handle_event._functions, functions, str(Path.cwd()))
    return {function.get_function_name(): function for function in functions}


class _BindingInfo(SimpleNamespace):
    """The numbers of the gRPC contract, which the loader compares with."""

    undefined = 0
    out = 1
    inout = 2


# What the loader needs of the protobuf module: records to fill, which nobody here reads.
_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo, RpcFunctionMetadata=SimpleNamespace, RpcRetryOptions=SimpleNamespace
)


def _value_of(trigger: TriggerData) -> Datum:
    value = trigger.value
    return Datum(value.load(), "bytes") if isinstance(value, BlobContent) else value


def _theirs(datum: Datum) -> Any:
    """Their Datum, which is another class of the same shape; an HTTP request holds more of them."""
    value = datum.value
    if datum.type == "http":
        value = {key: _theirs_inside(part) for key, part in value.items()}
    return datumdef.Datum(value, datum.type)


def _theirs_inside(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {key: _theirs(datum) for key, datum in part.items()}
    return _theirs(part)
