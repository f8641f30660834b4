"""What the emulator has been asked and how long its classifier took. Figures for benches and tests."""

from __future__ import annotations

from collections import Counter, deque
from threading import Lock
from typing import Any

KEPT_TIMINGS = 1_000


class RequestLedger:
    """Requests by operation and status. A dropped connection counts under the status `dropped`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, operation: str, status: str) -> None:
        with self._lock:
            self._counts[operation, status] += 1

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()

    def shown(self) -> dict[str, Any]:
        with self._lock:
            counts = dict(self._counts)
        operations: dict[str, dict[str, int]] = {}
        for (operation, status), count in sorted(counts.items()):
            operations.setdefault(operation, {})[status] = count
        return {"total": sum(counts.values()), "operations": operations}


class ClassifierStatistics:
    """Time the classifier itself took: no HTTP, no storage, no waiting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._trainings: deque[dict[str, Any]] = deque(maxlen=KEPT_TIMINGS)
            self._calls: deque[tuple[int, float]] = deque(maxlen=KEPT_TIMINGS)
            self._documents = 0

    def add_training(self, project: str, model: str, documents: int, seconds: float) -> None:
        with self._lock:
            entry = {"project": project, "model": model, "documents": documents, "seconds": round(seconds, 4)}
            self._trainings.append(entry)

    def add_classification(self, documents: int, seconds: float) -> None:
        with self._lock:
            self._calls.append((documents, seconds))
            self._documents += documents

    def shown(self) -> dict[str, Any]:
        """`calls` holds the last ones: documents and milliseconds of each."""
        with self._lock:
            calls = [{"documents": count, "milliseconds": round(seconds * 1000, 3)} for count, seconds in self._calls]
            return {"trainings": list(self._trainings), "documentsClassified": self._documents, "calls": calls}
