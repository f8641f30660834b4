"""The whole cloud on this machine: Azurite, the Language emulator and a functions host, on free ports."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from azurite_process.azurite import Azurite, start_azurite
from functions_host.core_tools import CoreTools, find_core_tools, start_core_tools
from functions_host.process import HostHandle, start_host
from functions_host.timings import HostTimings
from azurite_process.processes import ManagedProcess
from local.provision import provision
from local.settings import ROOT, app_settings
from shared.config import Settings, load_settings
from shared.language.dialects import API_VERSIONS
from shared.services import Services, build_services
from shared.storage.ports import BlobStore

_LISTENING = re.compile(r"^Language emulator listening on (\S+)$", re.MULTILINE)


# The emulator is never slower than this machine; people should see that the service takes its time.
UNHURRIED = {"training": "after 2 seconds", "publishing": "after 1 seconds", "analysis": "after 1 seconds"}


@dataclass
class Stack:
    """What runs, where, and the settings the app was given. `host` may be stopped and started again."""

    folder: Path
    azurite: Azurite
    emulator: ManagedProcess
    emulator_url: str
    environment: dict[str, str]
    services: Services
    timings: HostTimings | None
    core_tools: CoreTools | None = None
    host: HostHandle | None = None
    bridge: ManagedProcess | None = None

    @property
    def settings(self) -> Settings:
        return self.services.settings

    def container(self, name: str) -> BlobStore:
        """A container of the data storage, as a user reaches it."""
        return self.services.training.open_container(name)

    def start_host(self, *, port: int = 0) -> HostHandle:
        """Start the functions host, or start it again after stop or kill."""
        folder = self.folder / "host"
        if self.core_tools is None:
            self.host = start_host(ROOT, self.environment, folder=folder, timings=self.timings, port=port)
            return self.host
        self.host = start_core_tools(self.core_tools, ROOT, self.environment, folder=folder, port=port)
        # Core Tools has no Event Grid; this takes its part.
        argv = [sys.executable, "-m", "functions_host.event_bridge", "--app", str(ROOT), "--url", self.host.url]
        environment = _inherited() | self.environment
        self.bridge = ManagedProcess("event bridge", argv, folder / "bridge.log", environment, cwd=ROOT).start()
        return self.host

    def stop_host(self) -> None:
        for process in (self.bridge, self.host.process if self.host else None):
            if process is not None:
                process.stop()


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The app's settings object, from an environment that is not this process's own."""
    return load_settings({name.lower(): value for name, value in environment.items()})


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    """What `demo` and `up` let one choose of the stack."""
    hosts = ("auto", "func", "stand-in")
    parser.add_argument("--host", choices=hosts, default="auto", help="Core Tools or our own (default: %(default)s)")
    parser.add_argument("--language-api", choices=API_VERSIONS, help="API version (default: 2021-preview)")


class Chosen(TypedDict):
    core_tools: CoreTools | None
    changes: dict[str, str]


def chosen(arguments: argparse.Namespace) -> Chosen:
    """The arguments of `running_stack` for those choices."""
    changes = {"language_api": arguments.language_api} if arguments.language_api else {}
    return {"core_tools": choose_host(arguments.host), "changes": changes}


def choose_host(wanted: str) -> CoreTools | None:
    """`auto` is Core Tools when it works and else the stand-in; `func` insists; `stand-in` never asks."""
    tools = find_core_tools() if wanted in ("auto", "func") else None
    if wanted == "func" and tools is None:
        raise FileNotFoundError("no working `func` of Azure Functions Core Tools 4 on the PATH")
    return tools


@contextmanager
def running_stack(
    folder: Path,
    *,
    in_memory: bool = True,
    emulator_flags: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
    timings: HostTimings | None = None,
    with_host: bool = True,
    core_tools: CoreTools | None = None,
    host_port: int = 0,
) -> Iterator[Stack]:
    """Everything, provisioned; stopped in reverse order at the end. Logs lie in `folder`.

    `changes` are app settings by lower-case name; unless `in_memory`, all data stays in `folder` for the next run.
    With `core_tools` the app runs in Microsoft's own host instead of the stand-in.
    """
    with ExitStack() as stopping:
        azurite = start_azurite(folder / "azurite", in_memory=in_memory)
        stopping.callback(azurite.process.stop)
        key = secrets.token_urlsafe(24)
        data = {} if in_memory else {"data": str(folder / "emulator" / "data")}
        emulator, url = start_emulator(folder / "emulator", azurite, key, {**data, **(emulator_flags or {})})
        stopping.callback(emulator.stop)
        environment = app_settings(
            data_storage=azurite.connection_string, language_endpoint=url, language_key=key, **(changes or {})
        )
        services = build_services(settings_of(environment))
        stopping.callback(services.close)
        provision(services)
        stack = Stack(folder, azurite, emulator, url, environment, services, timings, core_tools)
        stopping.callback(stack.stop_host)
        if with_host:
            stack.start_host(port=host_port)
        yield stack


def start_emulator(folder: Path, azurite: Azurite, key: str, flags: Mapping[str, str]) -> tuple[ManagedProcess, str]:
    """The emulator as a process, and its address. The key travels in the environment, not in the arguments."""
    argv = [sys.executable, "-m", "language_emulator"]
    for name, value in flags.items():
        argv += [f"--{name.replace('_', '-')}", value] if value else [f"--{name.replace('_', '-')}"]
    log_path = folder / "emulator.log"
    environment = _inherited() | {
        "LANGUAGE_EMULATOR_KEY": key,
        "LANGUAGE_EMULATOR_STORAGE": azurite.connection_string,
        "PYTHONUNBUFFERED": "1",
    }
    start = log_path.stat().st_size if log_path.exists() else 0
    process = ManagedProcess("language emulator", argv, log_path, environment, cwd=ROOT).start()
    process.wait_ready(lambda: _LISTENING.search(process.log_text()[start:]) is not None)
    found = _LISTENING.findall(process.log_text()[start:])
    return process, str(found[-1])


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LANGUAGE_")}
