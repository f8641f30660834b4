"""One invocation from trigger data to outcome: decode, run, check the return, write the outputs."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum
from typing import Any

from azure.functions.meta import Datum

from functions_host.faults import CrashPoint, Faults
from functions_host.functions import Binding, Function
from functions_host.signatures import RETURN, BoundType
from functions_host.worker.context import Invocation, InvocationContext
from functions_host.worker.decoding import TriggerData, decode, encode
from functions_host.worker.outputs import BindingStore
from functions_host.worker.pool import WorkerPool

log = logging.getLogger("functions_host.invocation")


class Outcome(Enum):
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "Timed out"
    """The real host restarts, and the message is neither deleted nor released (azure-functions-host#8814)."""


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    response: Datum | None = None
    """What goes to the caller of an HTTP function."""


class _Out:
    """What a handler gets for `func.Out[...]`."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        return self._value


class Invoker:
    def __init__(self, pool: WorkerPool, bindings: BindingStore, faults: Faults, timeout_seconds: float | None) -> None:
        self._pool = pool
        self._bindings = bindings
        self._faults = faults
        self._timeout_seconds = timeout_seconds

    def invoke(self, function: Function, trigger: TriggerData, reason: str) -> Result:
        """Blocks until the invocation has ended. What the app raises is logged and told in the outcome."""
        invocation = Invocation(function.name, function.script.parent)
        of_function = {"function_name": function.name}
        log.info("Executing %s (%s), id %s", function.name, reason, invocation.id, extra=of_function)
        started = time.monotonic()
        try:
            result = Result(Outcome.SUCCEEDED, self._run(function, trigger, invocation))
        except _TimedOutError:
            self._pool.replace_threads()
            result = Result(Outcome.TIMED_OUT)
        except Exception:
            log.exception("Exception while executing %s, id %s", function.name, invocation.id, extra=of_function)
            result = Result(Outcome.FAILED)
        milliseconds = (time.monotonic() - started) * 1000
        level = logging.INFO if result.outcome is Outcome.SUCCEEDED else logging.ERROR
        line = "Executed %s (%s, id %s, %.0f ms)"
        log.log(level, line, function.name, result.outcome.value, invocation.id, milliseconds, extra=of_function)
        return result

    def _run(self, function: Function, trigger: TriggerData, invocation: Invocation) -> Datum | None:
        self._faults.reached(CrashPoint.BEFORE_FUNCTION, function.name)
        arguments = self._arguments(function, trigger, invocation)
        returned = self._wait(self._pool.submit(invocation, function.handler, arguments))
        if returned is not None and function.signature.returned is None:
            raise RuntimeError(f"function {function.name} without a $return binding returned a non-None value")
        self._faults.reached(CrashPoint.BEFORE_OUTPUTS, function.name)
        response = self._write_outputs(function, trigger, arguments, returned)
        self._faults.reached(CrashPoint.AFTER_FUNCTION, function.name)
        return response

    def _arguments(self, function: Function, trigger: TriggerData, invocation: Invocation) -> dict[str, Any]:
        signature = function.signature
        arguments: dict[str, Any] = {name: _Out() for name in signature.outputs}
        trigger_name = function.trigger.name
        arguments[trigger_name] = decode(signature.inputs[trigger_name], trigger.value, trigger.metadata)
        for binding in function.extra_inputs:
            content = self._bindings.read_blob(binding, trigger.metadata)
            arguments[binding.name] = decode(signature.inputs[binding.name], content, {})
        if signature.wants_context:
            arguments["context"] = InvocationContext(invocation)
        return arguments

    def _wait(self, future: Future[Any]) -> Any:
        # Not result(timeout): a TimeoutError of the app looks the same as one of the wait.
        done, _ = wait([future], self._timeout_seconds)
        if not done:
            future.cancel()
            raise _TimedOutError
        return future.result()

    def _write_outputs(
        self, function: Function, trigger: TriggerData, arguments: dict[str, Any], returned: Any
    ) -> Datum | None:
        """Writes what bindings name and gives back the HTTP response, if the function has one."""
        response: Datum | None = None
        for binding in function.outputs:
            bound, value = _output_of(function, binding, arguments, returned)
            datum = encode(bound, value) if value is not None or _must_return(binding) else None
            if datum is None:
                continue
            if binding.type == "http":
                response = datum
            else:
                self._bindings.write(binding, datum, trigger.metadata)
        return response


class _TimedOutError(Exception):
    """functionTimeout was hit."""


def _output_of(function: Function, binding: Binding, arguments: dict[str, Any], returned: Any) -> tuple[BoundType, Any]:
    if binding.name == RETURN:
        assert function.signature.returned is not None
        return function.signature.returned, returned
    return function.signature.outputs[binding.name], arguments[binding.name].get()


def _must_return(binding: Binding) -> bool:
    """A `$return` is always encoded, so that None fails where it does in the real worker; an Out may stay unset."""
    return binding.name == RETURN
