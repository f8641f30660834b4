"""Composition: one function app and everything that starts its functions."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from functions_host.blobs.source import BlobSource
from functions_host.faults import CrashOnLine
from functions_host.functions import Function
from functions_host.host_config import load_host_config
from functions_host.loading import load_functions
from functions_host.logs import configure_logging
from functions_host.platform_settings import is_disabled, unknown_disabling
from functions_host.queues.trigger import build_queue_listener
from functions_host.services import build_services
from functions_host.settings import AppSettings
from functions_host.signatures import FunctionLoadError
from functions_host.timers.listener import build_timer_listener
from functions_host.timings import HostTimings
from functions_host.web.admin import AdminApi
from functions_host.web.blob_webhook import BlobWebhook
from functions_host.web.http_trigger import RouteTable
from functions_host.web.key_stores import choose_key_store
from functions_host.web.keys import load_keys
from functions_host.web.site import Site

log = logging.getLogger("functions_host.startup")


@dataclass(frozen=True)
class HostOptions:
    app_folder: Path
    data_folder: Path
    timings: HostTimings
    emulates_event_grid: bool = True
    shows_lost_lines: bool = False


class EventSource(Protocol):
    """What starts functions by itself: a queue listener, a timer, the blob source."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Ask it to start no more; returns at once."""

    def join(self, deadline: float) -> bool:
        """Wait until `deadline` (monotonic) for what runs; True when all has ended."""


class Host:
    """Built completely before anything starts: a constructor that returns means that the app can run."""

    def __init__(self, options: HostOptions, settings: AppSettings) -> None:
        config = load_host_config(options.app_folder, settings)
        configure_logging(config.log_levels, shows_lost_lines=options.shows_lost_lines)
        crash_on_line = CrashOnLine.from_environment(settings.environment)
        if crash_on_line is not None:
            logging.getLogger().addHandler(crash_on_line)
        self._indexed = load_functions(options.app_folder, settings)
        self.functions = [each for each in self._indexed if _is_allowed(each, config.functions)]
        if not config.has_extension_bundle:
            _refuse_storage_triggers(self.functions)
        names = [function.name for function in self._indexed]
        self.drain_seconds = options.timings.drain
        self._disabled = frozenset(name for name in names if is_disabled(name, settings))
        self._services = services = build_services(options.app_folder, settings, config, options.timings)
        store = choose_key_store(options.data_folder, settings, services.host_id, services.connections)
        self.keys = load_keys(store, names, settings.environment)
        self._log_functions(unknown_disabling(names, settings))
        self._queues = [build_queue_listener(function, services) for function in self._enabled("queueTrigger")]
        self._timers = [build_timer_listener(function, services) for function in self._enabled("timerTrigger")]
        self._routes = RouteTable(self._enabled("httpTrigger"), config.route_prefix)
        blobs, emulates = self._enabled("blobTrigger"), options.emulates_event_grid
        # Without blob functions an app needs no host storage, and none is asked for.
        self._blobs = BlobSource(blobs, services, emulates_event_grid=emulates) if blobs else None
        self.site = self._build_site()

    def start(self) -> None:
        for source in self._sources():
            source.start()

    def drain(self) -> bool:
        """Stop fetching and wait for what runs, at most the drain time; True when everything has ended."""
        deadline = time.monotonic() + self.drain_seconds
        for source in self._sources():
            source.stop()
        return all([source.join(deadline) for source in self._sources()])

    def close(self) -> bool:
        """After drain; False when a handler still runs and must be left behind."""
        return self._services.close()

    def describe(self, url: str) -> list[str]:
        """One line for each function: what triggers it."""
        return [f"  {function.name}: {self._trigger_text(function, url)}" for function in self.functions]

    def _log_functions(self, unknown_settings: list[str]) -> None:
        """What runs here, in the real host's words."""
        found = " ".join(function.id for function in self.functions)
        log.info("Found the following functions: %s", found)
        for function in self.functions:
            if function.name in self._disabled:
                log.info("Function 'Functions.%s' is disabled", function.name)
        for name in unknown_settings:
            log.warning("%s disables nothing: a function is disabled by AzureWebJobs.<its name>.Disabled", name)

    def _trigger_text(self, function: Function, url: str) -> str:
        trigger = function.trigger
        if function.name in self._disabled:
            return f"{trigger.type}, disabled"
        if trigger.type == "httpTrigger":
            route = next(route for route in self._routes.routes if route.function is function)
            return f"[{','.join(sorted(route.methods)) or 'any method'}] {url}/{route.template.template}"
        return f"{trigger.type} {trigger.text('queueName') or trigger.text('path') or trigger.text('schedule')}"

    def _sources(self) -> list[EventSource]:
        return [*self._queues, *self._timers, *([self._blobs] if self._blobs else [])]

    def _enabled(self, trigger_type: str) -> list[Function]:
        return [
            function
            for function in self.functions
            if function.trigger.type == trigger_type and function.name not in self._disabled
        ]

    def _build_site(self) -> Site:
        admin = AdminApi(
            host_id=self._services.host_id,
            functions=self._indexed,
            keys=self.keys,
            disabled=self._disabled,
        )
        return Site(
            routes=self._routes,
            keys=self.keys,
            admin=admin,
            webhook=BlobWebhook(self._blobs.functions, self._blobs.enqueue) if self._blobs else None,
            invoker=self._services.invoker,
        )


def _is_allowed(function: Function, allowed: frozenset[str] | None) -> bool:
    return allowed is None or function.name.lower() in allowed


def _refuse_storage_triggers(functions: list[Function]) -> None:
    for function in functions:
        if function.trigger.type in ("queueTrigger", "blobTrigger"):
            raise FunctionLoadError(
                f"cannot load the function {function.name}: host.json has no extensionBundle, "
                f"without which the host knows no {function.trigger.type}"
            )
