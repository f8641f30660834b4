"""What benchmarks share: the machine, CPU and memory of processes, percentiles, and the table of figures."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """What the figures were measured on. The load is that of the last minute: above the cores, seconds say little."""
    cpus = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return {
        "cpu": cpus[0].partition(":")[2].strip() if cpus else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def cpu_seconds(group: int) -> float:
    """User and system time of all processes of a process group so far."""
    return sum(int(fields[11]) + int(fields[12]) for fields in _stats() if int(fields[2]) == group) / TICKS


def _stats() -> list[list[str]]:
    texts = (_read(str(path)) for path in Path("/proc").glob("[0-9]*/stat"))
    return [text.rpartition(")")[2].split() for text in texts if text]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # a process that has ended meanwhile, or another system


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the others do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
