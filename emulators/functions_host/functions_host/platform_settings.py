"""Settings whose names are fixed by the platform and which the host itself reads."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from functions_host.settings import AppSettings, SettingError

HOST_ID = "AzureFunctionsWebHost__hostid"
MACHINE = "FUNCTIONS_HOST_MACHINE"
"""Another name for this machine, so that two hosts on it can be as two pods or virtual machines."""

# It becomes part of a queue's name, beside the host's own prefixes.
_MAX_HOST_ID = 32
_HOST_ID = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_DISABLING = ("AzureWebJobs.{}.Disabled", "AzureWebJobs_{}_Disabled")
_LIKE_DISABLING = re.compile(r"AzureWebJobs.+Disabled", re.IGNORECASE)

log = logging.getLogger("functions_host")


def find_host_id(app_folder: Path, settings: AppSettings) -> str:
    """Names the internal queue, the receipts, the locks of timers, their status, and the place of the keys.

    As given, or of this machine and the folder: hosts on two machines are two apps (azure-functions-host,
    ScriptHostIdProvider.cs). Raises SettingError on one that cannot be part of a queue's name, with which the real host
    ends once it makes the queue.
    """
    given = settings.find(HOST_ID)
    if given is not None:
        if len(given) > _MAX_HOST_ID or not _HOST_ID.fullmatch(given):
            raise SettingError(
                f"{HOST_ID} is {given!r}; it may have {_MAX_HOST_ID} small letters, digits and single dashes"
            )
        return given
    machine = re.sub(r"[^a-z0-9]+", "", (settings.find(MACHINE) or socket.gethostname()).lower())
    digest = int(hashlib.sha256(str(app_folder.resolve()).encode()).hexdigest()[:8], 16)
    return f"{machine or 'local'}-{digest}"[:_MAX_HOST_ID].rstrip("-")


def is_disabled(function_name: str, settings: AppSettings) -> bool:
    """With dots, or with underscores where a variable's name takes no dots; no other form disables anything.

    Source: azure-webjobs-sdk, HostListenerFactory.cs: IsDisabled.
    """
    return any((settings.find(name.format(function_name)) or "").lower() in ("true", "1") for name in _DISABLING)


def unknown_disabling(function_names: Iterable[str], settings: AppSettings) -> list[str]:
    """Settings that look as if they disabled something, and disable nothing: another form, or no function's name."""
    known = {form.format(name).lower() for name in function_names for form in _DISABLING}
    return sorted(
        name for name in settings.environment if _LIKE_DISABLING.fullmatch(name) and name.lower() not in known
    )


def find_key_store(settings: AppSettings) -> str | None:
    """Where the real host keeps its keys: files, keyvault, kubernetes or blob; None where it has no place for any.

    Source: azure-functions-host, DefaultSecretManagerProvider.cs, but for its shared access signature.
    """
    wanted = (settings.find("AzureWebJobsSecretStorageType") or "").lower()
    if wanted in ("files", "keyvault", "kubernetes"):
        return wanted
    has_storage = settings.find("AzureWebJobsStorage") or settings.under("AzureWebJobsStorage")
    return "blob" if has_storage else None


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
