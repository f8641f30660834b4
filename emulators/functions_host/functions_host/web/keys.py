"""Access keys and what they open: master, host and function keys, and the system key of the blobs extension.

Which key passes where: azure-functions-host, AuthenticationLevelHandler.cs and SecretManager.cs. Core Tools checks no
keys at all; this host does, so that a missing key shows on the laptop and not in the cloud.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

BLOBS_EXTENSION = "blobs_extension"
"""The system key is named after the extension (azure-functions-host, DefaultScriptWebHookProvider.cs)."""

_VARIABLES = {
    "master": "FUNCTIONS_HOST_MASTER_KEY",
    "function": "FUNCTIONS_HOST_FUNCTION_KEY",
    BLOBS_EXTENSION: "FUNCTIONS_HOST_BLOBS_KEY",
}


class Access(IntEnum):
    """What a request may do. A system key opens webhooks, but no function of level `function`."""

    ANONYMOUS = 0
    FUNCTION = 1
    SYSTEM = 2
    ADMIN = 3


@dataclass(frozen=True)
class HostKeys:
    master: str
    function: str
    """The host key, which opens every function of level `function`."""
    blobs_extension: str
    of_functions: Mapping[str, str]
    """One key for each function, which opens that one only."""

    def access(self, key: str | None, function_name: str | None = None) -> Access:
        if not key:
            return Access.ANONYMOUS
        if _same(key, self.master):
            return Access.ADMIN
        if _same(key, self.blobs_extension):
            return Access.SYSTEM
        own = self.of_functions.get(function_name or "")
        is_function_key = _same(key, self.function) or (own is not None and _same(key, own))
        return Access.FUNCTION if is_function_key else Access.ANONYMOUS

    def opens_function(self, key: str | None, function_name: str, auth_level: str) -> bool:
        """`auth_level` as the binding says it; the default of an HTTP trigger is `function`."""
        level = auth_level.lower()
        access = self.access(key, function_name)
        if level == "anonymous":
            return True
        return access is Access.ADMIN or (level == "function" and access is Access.FUNCTION)


class KeyStore(Protocol):
    """Where the keys are kept, by name: those of _VARIABLES, and `function:<name>`, in lower case."""

    def read(self) -> dict[str, str]: ...

    def write(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Keep them; returns what is kept, which is another host's where that was first."""


def load_keys(store: KeyStore, function_names: list[str], environment: Mapping[str, str]) -> HostKeys:
    """The keys of the environment, else those of the store, else new ones, which it then holds.

    Where two hosts make keys for one store at once, both have those of the first.
    """
    stored = store.read()
    given = {name: environment[variable] for name, variable in _VARIABLES.items() if environment.get(variable)}
    names = [*_VARIABLES, *(f"function:{name.lower()}" for name in function_names)]
    values = {name: given.get(name) or stored.get(name) or secrets.token_urlsafe(32) for name in names}
    if values != stored:
        values = store.write(values) | given
    return HostKeys(
        master=values["master"],
        function=values["function"],
        blobs_extension=values[BLOBS_EXTENSION],
        of_functions={name: values[f"function:{name.lower()}"] for name in function_names},
    )


def _same(left: str, right: str) -> bool:
    return secrets.compare_digest(left.encode(), right.encode())
