"""Imports `function_app.py` and indexes its functions, as the Python worker does.

Unlike the worker it refuses triggers and bindings that this host cannot serve, and says so.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import azure.functions as func

from functions_host.bindings import Binding
from functions_host.functions import Function
from functions_host.settings import AppSettings
from functions_host.signatures import RETURN, FunctionLoadError, read_signature

log = logging.getLogger("functions_host.startup")

TRIGGERS = ("queueTrigger", "blobTrigger", "httpTrigger", "timerTrigger")
# Queue and blob triggers retry by host.json alone; the decorator is accepted by the library and then ignored
# (Azure docs, functions-bindings-error-pages). The timer's retry is real in Azure and not done here.
_RETRY_POLICY = "retry_policy"


def load_functions(app_folder: Path, settings: AppSettings) -> list[Function]:
    """The functions of the app in `app_folder`, which becomes first on sys.path and the working directory."""
    script = app_folder / (settings.find("PYTHON_SCRIPT_FILE_NAME") or "function_app.py")
    if not script.exists():
        raise FunctionLoadError(f"there is no {script}")
    sys.path.insert(0, str(app_folder))
    os.chdir(app_folder)
    app = _find_app(importlib.import_module(script.stem))
    return [index_function(indexed, settings, script) for indexed in app.get_functions()]


def _find_app(module: Any) -> Any:
    found = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(found) != 1:
        raise FunctionLoadError(f"{module.__file__} must hold one FunctionApp at its top level, not {len(found)}")
    return found[0]


def index_function(indexed: Any, settings: AppSettings, script: Path) -> Function:
    """One function of `FunctionApp.get_functions()`, checked."""
    name = indexed.get_function_name()
    bindings = tuple(Binding.from_dict(json.loads(raw), settings) for raw in indexed.get_raw_bindings())
    for binding in bindings:
        _check_supported(name, binding)
    if indexed.get_settings_dict(_RETRY_POLICY):
        log.warning("%s has a retry policy, which this host ignores (as Azure does for queue and blob triggers)", name)
    handler = indexed.get_user_function()
    return Function(
        name=name,
        handler=handler,
        trigger=next(binding for binding in bindings if binding.is_trigger),
        bindings=bindings,
        signature=read_signature(name, handler, bindings),
        script=script,
    )


def _check_supported(name: str, binding: Binding) -> None:
    is_response = binding.type == "http" and binding.name == RETURN
    if not (is_response if binding.is_output else binding.type in TRIGGERS):
        direction = "output" if binding.is_output else "trigger" if binding.is_trigger else "input"
        raise FunctionLoadError(
            f"cannot load the function {name}: this stand-in has no {direction} binding {binding.type!r}; "
            "use Core Tools (`func start`)"
        )
