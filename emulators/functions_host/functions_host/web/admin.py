"""The admin API, read only. Source: azure-functions-host, Controllers/*.cs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from functions_host.functions import Function
from functions_host.web.answers import Answer
from functions_host.web.keys import BLOBS_EXTENSION, HostKeys

_HOST_KEYS = [["host", kind] for kind in ("keys", "functionkeys", "systemkeys")]
VERSION = "4.0.0-local"


class AdminApi:
    def __init__(
        self,
        *,
        host_id: str,
        functions: list[Function],
        keys: HostKeys,
        disabled: frozenset[str],
    ) -> None:
        self._host_id = host_id
        self._functions = {function.name.lower(): function for function in functions}
        self._keys = keys
        self._disabled = disabled
        self._started = time.monotonic()

    def knows(self, path: list[str]) -> bool:
        """What is not part of the API is not found, whatever the key."""
        return path[:1] == ["functions"] or path in (["host", "status"],) or path[:2] in _HOST_KEYS

    def answer(self, method: str, path: list[str], base_url: str) -> Answer:
        """`path` holds the segments after `admin`. The caller has checked the master key."""
        match method, path:
            case "GET", ["host", "status"]:
                return 200, self._status()
            case "GET", ["host", ("keys" | "functionkeys" | "systemkeys") as kind]:
                return 200, _key_list(self._host_keys(kind))
            case "GET", ["host", ("keys" | "functionkeys" | "systemkeys") as kind, name]:
                return _one_key(self._host_keys(kind), name)
            case "GET", ["functions"]:
                return 200, [self._describe(function, base_url) for function in self._functions.values()]
            case _, ["functions", name, *rest] if name.lower() in self._functions:
                return self._of_function(method, self._functions[name.lower()], rest, base_url)
        return 404, None

    def _of_function(self, method: str, function: Function, rest: list[str], base_url: str) -> Answer:
        match method, rest:
            case "GET", []:
                return 200, self._describe(function, base_url)
            case "GET", ["keys"]:
                return 200, _key_list({"default": self._keys.of_functions[function.name]})
        return 404, None

    def _status(self) -> dict[str, Any]:
        return {
            "id": self._host_id,
            "state": "Running",
            "version": VERSION,
            "versionDetails": "a local stand-in",
            "processUptime": round((time.monotonic() - self._started) * 1000),
        }

    def _describe(self, function: Function, base_url: str) -> dict[str, Any]:
        href = f"{base_url}/admin/functions/{function.name}"
        return {
            "name": function.name,
            "script_href": str(function.script),
            "href": href,
            "language": "python",
            "isDisabled": function.name in self._disabled,
            "config": {"bindings": [dict(binding.properties) for binding in function.bindings]},
        }

    def _host_keys(self, kind: str) -> dict[str, str]:
        if kind == "systemkeys":
            return {"_master": self._keys.master, BLOBS_EXTENSION: self._keys.blobs_extension}
        return {"default": self._keys.function}


def _key_list(keys: Mapping[str, str]) -> dict[str, Any]:
    visible = [{"name": name, "value": value} for name, value in keys.items() if name != "_master"]
    return {"keys": visible, "links": []}


def _one_key(keys: Mapping[str, str], name: str) -> Answer:
    return (200, {"name": name, "value": keys[name]}) if name in keys else (404, None)
