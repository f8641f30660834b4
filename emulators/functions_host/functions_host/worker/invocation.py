"""One invocation from trigger data to outcome: decode, run, check and encode what was returned."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum
from typing import Any

from azure.functions.meta import Datum

from functions_host.faults import CrashPoint, Faults
from functions_host.functions import Function
from functions_host.worker.context import Invocation, InvocationContext
from functions_host.worker.decoding import TriggerData, decode, encode
from functions_host.worker.pool import WorkerPool

log = logging.getLogger("functions_host.invocation")


class Outcome(Enum):
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "Timed out"
    """For a message the same as a failure: the real host releases it too."""


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    response: Datum | None = None
    """What goes to the caller of an HTTP function."""


class Invoker:
    def __init__(self, pool: WorkerPool, faults: Faults, timeout_seconds: float | None) -> None:
        self._pool = pool
        self._faults = faults
        self._timeout_seconds = timeout_seconds

    def invoke(self, function: Function, trigger: TriggerData, reason: str) -> Result:
        """Blocks until the invocation has ended. What the app raises is logged and told in the outcome."""
        invocation = Invocation(function.name, function.script.parent)
        of_function, name = {"function_name": function.name}, function.name
        # In the real host's words, so that whoever reads the log can read either.
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", name, reason, invocation.id, extra=of_function)
        started = time.monotonic()
        try:
            result = Result(Outcome.SUCCEEDED, self._run(function, trigger, invocation))
        except _TimedOutError:
            self._pool.replace_threads()
            limit = f"{self._timeout_seconds:g} s"
            log.error("Timeout of %s exceeded by %s, id %s", limit, function.name, invocation.id, extra=of_function)
            result = Result(Outcome.TIMED_OUT)
        except Exception:
            log.exception("Exception while executing %s, id %s", function.name, invocation.id, extra=of_function)
            result = Result(Outcome.FAILED)
        milliseconds = (time.monotonic() - started) * 1000
        level = logging.INFO if result.outcome is Outcome.SUCCEEDED else logging.ERROR
        line = "Executed 'Functions.%s' (%s, Id=%s, Duration=%.0fms)"
        log.log(level, line, function.name, result.outcome.value, invocation.id, milliseconds, extra=of_function)
        return result

    def _run(self, function: Function, trigger: TriggerData, invocation: Invocation) -> Datum | None:
        self._faults.reached(CrashPoint.BEFORE_FUNCTION, function.name)
        arguments = self._arguments(function, trigger, invocation)
        returned = self._wait(self._pool.submit(invocation, function.handler, arguments))
        self._faults.reached(CrashPoint.AFTER_FUNCTION, function.name)
        if function.signature.returned is not None:
            # None too, so that it fails where it does in the real worker.
            return encode(function.signature.returned, returned)
        if returned is not None:
            raise RuntimeError(f"function {function.name} without a $return binding returned a non-None value")
        return None

    def _arguments(self, function: Function, trigger: TriggerData, invocation: Invocation) -> dict[str, Any]:
        signature = function.signature
        arguments = {function.trigger.name: decode(signature.trigger, trigger.value, trigger.metadata)}
        return arguments | {"context": InvocationContext(invocation)} if signature.wants_context else arguments

    def _wait(self, future: Future[Any]) -> Any:
        # Not result(timeout): a TimeoutError of the app looks the same as one of the wait.
        done, _ = wait([future], self._timeout_seconds)
        if not done:
            future.cancel()
            raise _TimedOutError
        return future.result()


class _TimedOutError(Exception):
    """functionTimeout was hit."""
