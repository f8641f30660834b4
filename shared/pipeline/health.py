"""Can the app do its work? Asks each part it depends on and says which one is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.errors import LanguageNotFoundError, LanguageThrottledError
from shared.language.dialects import dialect_for
from shared.pipeline.context import Pipeline
from shared.storage.ports import MessageQueue


def check_health(pipeline: Pipeline, *, operations_queue: MessageQueue) -> dict[str, Any]:
    """One call to each container, each queue, and the Language service (an authoring GET)."""
    settings = pipeline.settings
    checks = {
        f"container {settings.documents_container}": lambda: next(pipeline.documents.list(), None),
        f"container {settings.classifications_container}": lambda: next(pipeline.classifications.list(), None),
        f"container {settings.failures_container}": lambda: next(pipeline.failures.list(), None),
        f"container {settings.pipeline_container}": lambda: next(pipeline.state.list("models/"), None),
        f"queue {settings.documents_queue}": pipeline.documents_queue.length,
        f"queue {settings.collect_queue}": pipeline.collect_queue.length,
        f"queue {settings.jobs_queue}": pipeline.jobs_queue.length,
        f"queue {settings.operations_queue}": operations_queue.length,
        "language": lambda: _ask_language(pipeline),
    }
    parts = {name: _check(check) for name, check in checks.items()}
    return {"healthy": all(part["healthy"] for part in parts.values()), "parts": parts}


def _check(check: Callable[[], object]) -> dict[str, Any]:
    try:
        check()
    except Exception as error:  # whatever is wrong with a part is what was asked
        first_line = str(error).partition("\n")[0].strip()
        return {"healthy": False, "problem": f"{type(error).__name__}: {first_line[:300]}"}
    return {"healthy": True}


def _ask_language(pipeline: Pipeline) -> None:
    settings = pipeline.settings
    try:
        pipeline.language.send(dialect_for(settings.language_api).get_project(settings.language_project))
    except (LanguageNotFoundError, LanguageThrottledError):
        # It answers, or our own pace is used up by those it answers; a project not yet created is no fault of the app.
        return
