"""What every listener of a host shares, built once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from functions_host.connections import Connections
from functions_host.faults import Faults
from functions_host.host_config import HostConfig
from functions_host.message_lease import LeaseKeeper
from functions_host.platform_settings import find_host_id, thread_count, warn_of_worker_processes
from functions_host.settings import AppSettings
from functions_host.timings import HostTimings
from functions_host.worker.invocation import Invoker
from functions_host.worker.pool import WorkerPool


@dataclass(frozen=True)
class HostServices:
    host_id: str
    config: HostConfig
    timings: HostTimings
    connections: Connections
    pool: WorkerPool
    invoker: Invoker
    keeper: LeaseKeeper
    faults: Faults

    def close(self) -> bool:
        """Release threads and connections; False when a handler still runs and must be left behind."""
        self.keeper.close()
        self.pool.close()
        self.connections.close()
        return self.pool.is_idle


def build_services(app_folder: Path, settings: AppSettings, config: HostConfig, timings: HostTimings) -> HostServices:
    faults = Faults.from_environment(settings.environment)
    warn_of_worker_processes(settings)
    pool = WorkerPool(thread_count(settings))
    return HostServices(
        host_id=find_host_id(app_folder, settings),
        config=config,
        timings=timings,
        connections=Connections(settings),
        pool=pool,
        invoker=Invoker(pool, faults, config.function_timeout_seconds),
        keeper=LeaseKeeper(timings),
        faults=faults,
    )
