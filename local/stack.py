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
from azurite_process.processes import ManagedProcess
from local.hosts import CHOICES, Host, HostStarter, StandIn, choose_host
from local.provision import provision
from local.settings import ROOT, app_settings
from shared.config import Settings, load_settings
from shared.language.apis import API_VERSIONS, DEFAULT_API_VERSION
from shared.services import Services, build_services
from shared.storage.ports import BlobStore

_LISTENING = re.compile(r"^Language emulator listening on (\S+)$", re.MULTILINE)


# The emulator is never slower than this machine; people should see that the service takes its time.
DEMO_DELAYS = {"training": "after 2 seconds", "publishing": "after 1 seconds", "analysis": "after 1 seconds"}


@dataclass
class Stack:
    """What runs, where, and the settings the app was given. `host` may be stopped and started again."""

    folder: Path
    azurite: Azurite
    emulator: ManagedProcess
    emulator_url: str
    environment: dict[str, str]
    services: Services
    starter: HostStarter
    host: Host | None = None

    @property
    def settings(self) -> Settings:
        return self.services.settings

    def container(self, name: str) -> BlobStore:
        """A container of the data storage, as a user reaches it."""
        return self.services.adapters.open_container(name)

    def start_host(self, *, port: int = 0) -> Host:
        """Start the functions host, or start it again after stop or kill."""
        # What is staged there later must not be the first: a new folder in the app's folder restarts Microsoft's host.
        (ROOT / "build").mkdir(exist_ok=True)
        self.host = self.starter.start(ROOT, self.environment, folder=self.folder / "host", port=port)
        return self.host

    def stop_host(self) -> None:
        if self.host is not None:
            self.host.stop()


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The app's settings object, from an environment that is not this process's own."""
    return load_settings({name.lower(): value for name, value in environment.items()})


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    """What `demo` and `up` let one choose of the stack."""
    parser.add_argument(
        "--host",
        choices=CHOICES,
        default="auto",
        help="Core Tools, our own, or Microsoft's by the script that FUNCTIONS_HOST names (default: %(default)s: "
        "Core Tools if it works, else our own)",
    )
    parser.add_argument("--language-api", choices=API_VERSIONS, help=f"API version (default: {DEFAULT_API_VERSION})")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another app setting, see the README's table; may be repeated",
    )


class StackOptions(TypedDict):
    starter: HostStarter
    changes: dict[str, str]


def stack_options(arguments: argparse.Namespace) -> StackOptions:
    """The arguments of `running_stack` for what was chosen."""
    changes = {name.lower(): value for name, _, value in (each.partition("=") for each in arguments.setting)}
    if arguments.language_api:
        changes["language_api"] = arguments.language_api
    return {"starter": choose_host(arguments.host), "changes": changes}


@contextmanager
def running_stack(
    folder: Path,
    *,
    in_memory: bool = True,
    emulator_flags: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
    with_host: bool = True,
    starter: HostStarter | None = None,
    host_port: int = 0,
) -> Iterator[Stack]:
    """Everything, provisioned; stopped in reverse order at the end. Logs lie in `folder`.

    `changes` are app settings by lower-case name; unless `in_memory`, all data stays in `folder` for the next run.
    The app runs in the stand-in unless `starter` starts another host.
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
        stack = Stack(folder, azurite, emulator, url, environment, services, starter or StandIn())
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
