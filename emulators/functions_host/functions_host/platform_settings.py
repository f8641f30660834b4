"""Settings whose names are fixed by the platform and which the host itself reads."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from pathlib import Path

from functions_host.settings import AppSettings

_MAX_HOST_ID = 32
log = logging.getLogger("functions_host")


def find_host_id(app_folder: Path, settings: AppSettings) -> str:
    """Names the internal queue, the receipts and the timer status; stable for a folder on a machine.

    Source: azure-functions-host, ScriptHostIdProvider.cs.
    """
    given = settings.find("AzureFunctionsWebHost__hostid")
    if given:
        return given.lower()[:_MAX_HOST_ID]
    machine = re.sub(r"[^a-z0-9]+", "", socket.gethostname().lower())
    digest = hashlib.sha256(str(app_folder.resolve()).encode()).hexdigest()[:10]
    return f"{machine[:20] or 'local'}-{digest}"


def is_disabled(function_name: str, settings: AppSettings) -> bool:
    """`AzureWebJobs.<name>.Disabled`, or with underscores where a dot is not allowed in a variable's name."""
    names = (pattern.format(function_name) for pattern in ("AzureWebJobs.{}.Disabled", "AzureWebJobs_{}_Disabled"))
    return any((settings.find(name) or "").lower() in ("true", "1") for name in names)


def thread_count(settings: AppSettings) -> int | None:
    """None leaves it to Python, as the real worker does when the value is missing or no number."""
    value = settings.find("PYTHON_THREADPOOL_THREAD_COUNT") or ""
    return int(value) if value.isdigit() and int(value) > 0 else None


def warn_of_worker_processes(settings: AppSettings) -> None:
    """This host has one, and a figure that was measured on it would be taken for that of several."""
    name = "FUNCTIONS_WORKER_PROCESS_COUNT"
    value = settings.find(name) or "1"
    if value != "1":
        log.warning(
            "%s=%s is ignored: this host runs the app in one process; measure several on the real host", name, value
        )
