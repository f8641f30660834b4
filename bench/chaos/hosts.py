"""The hosts of a chaos run: several on one storage, killed and started again, and the memory they take."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from azurite_process.processes import wait_until
from cli.api import Api, ApiError
from local.hosts import Host, HostStarter
from local.settings import ROOT

T = TypeVar("T")

PAGE = 4096
SAMPLE_SECONDS = 1.0


@dataclass
class Cluster:
    """Hosts by number; None while one is down."""

    starter: HostStarter
    environment: Mapping[str, str]
    folder: Path
    size: int = 2
    hosts: list[Host | None] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    """What was done to which host, in order."""

    @contextmanager
    def running(self) -> Iterator[Cluster]:
        (ROOT / "build").mkdir(exist_ok=True)  # made later, it would restart Microsoft's host
        self.hosts = [None] * self.size
        try:
            for number in range(self.size):
                self.start(number)
            yield self
        finally:
            for host in self.hosts:
                if host is not None:
                    host.stop()

    def start(self, number: int) -> None:
        self.hosts[number] = self.starter.start(ROOT, self.environment, folder=self.folder / f"host-{number}")

    def strike(self, number: int, *, politely: bool) -> None:
        """SIGTERM or SIGKILL; whoever asks for a host meanwhile gets another one."""
        host, self.hosts[number] = self.hosts[number], None
        if host is not None:
            self.kills.append(f"{'SIGTERM' if politely else 'SIGKILL'} host {number}")
            host.stop() if politely else host.kill()

    def up(self) -> list[Host]:
        return [host for host in self.hosts if host is not None]

    def any(self, chance: random.Random) -> Host | None:
        up = self.up()
        return chance.choice(up) if up else None

    def call(self, what: Callable[[Api], T], *, seconds: float) -> T:
        """Ask the app over HTTP: any host, again while hosts die and the weather is bad. Raises ApiError for a 4xx."""
        answers: list[T] = []

        def answered() -> bool:
            for host in self.up():
                api = Api(host.url, host.master_key or host.function_key)
                try:
                    answers.append(what(api))
                except (httpx.HTTPError, ValueError):
                    continue
                except ApiError as error:
                    if ": 5" not in str(error):
                        raise
                    continue
                finally:
                    api.close()
                return True
            return False

        wait_until(answered, seconds=seconds, what="an answer of the app over HTTP", poll_seconds=0.5)
        return answers[0]


class MemoryLog:
    """Resident memory of each host over the run, in MB, with its children."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
        self.samples: dict[int, list[float]] = {number: [] for number in range(cluster.size)}

    def __enter__(self) -> MemoryLog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_SECONDS):
            for number, host in enumerate(self._cluster.hosts):
                if host is not None:
                    resident = resident_mb(host.process.pid)
                    if resident:
                        self.samples[number].append(round(resident, 1))

    def fifths(self, number: int) -> tuple[float, float, float]:
        """The most it took in the first, third and last fifth of the run: a host that was just started takes less."""
        samples = self.samples[number]
        if not samples:
            return 0.0, 0.0, 0.0
        size = max(1, len(samples) // 5)
        middle = len(samples) // 2
        start = max(0, middle - size // 2)
        return max(samples[:size]), max(samples[start : start + size]), max(samples[-size:])


def resident_mb(group: int) -> float:
    """Of all processes of a process group; 0 when there is none."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[2]) == group:
            pages += int(fields[21])
    return pages * PAGE / 1e6
