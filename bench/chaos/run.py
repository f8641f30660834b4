"""A chaos run: the parts are started, users work, everything is disturbed; afterwards it is waited for and judged."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from azure.storage.queue import QueueServiceClient

from azurite_process.processes import wait_until
from bench.chaos.checker import Findings, judge
from bench.chaos.direct import DirectAnalysis
from bench.chaos.disturbances import ALWAYS, EXPLAINED, Disturbances, Killer, set_service_faults
from bench.chaos.events import EventGrid
from bench.chaos.hosts import Cluster, MemoryLog
from bench.chaos.storage import messages_left, take_snapshot
from bench.chaos.work import MAX_DOCUMENT_BYTES, Ledger, Plan, Task, make_plan
from bench.fault_proxy import FaultProxy
from cli.api import Api, ApiError
from cli.datasets import SAMPLES, load_dataset
from local.hosts import StandIn, choose_host
from local.seed import seed as seed_project
from local.stack import Stack, running_stack
from shared.documents.record_schema import RecordFacts
from shared.documents.ref import MAX_DOCUMENTS_PER_JOB, record_name
from shared.services import assemble, utc_now

UPLOADERS = 6
# The first model is published again after the second: so every direction of a switch is met.
FIRST, SECOND = "first", "second"
RETRAIN_AT, PUBLISH_AT = 0.25, 0.6
OPERATION_SECONDS = 300.0
# How much of what was uploaded may wait before the next burst, and for how long the next one waits for that.
BACKLOG, BURST_SECONDS = 150, 12.0

NEVER = "0 0 0 29 2 *"
NO_NETS = {"reconcile_schedule": NEVER, "sweep_schedule": NEVER, "pipeline_grace_minutes": "525600"}
NETS = {"reconcile_schedule": "*/20 * * * * *", "sweep_schedule": "*/15 * * * * *", "pipeline_grace_minutes": "0.5"}
# Three listings of thousands of blobs are seconds of Azurite's time.
NETS_OF_MANY = NETS | {"reconcile_schedule": "0 * * * * *"}
MANY = 500
# Shorter than the real 10 minutes: what a killed host had in hand comes back while one waits.
QUICK_TIMINGS = {"receive_visibility": 15.0, "renewal": 5.0, "renewal_floor": 2.0}
QUICK_SETTINGS = {
    "azurefunctionsjobhost__extensions__queues__maxpollinginterval": "00:00:00.5000000",
    "pipeline_poll_seconds": "1,2,3",
    "pipeline_model_cache_seconds": "1",
    "pipeline_max_document_bytes": str(MAX_DOCUMENT_BYTES),
    "language_authoring_posts_per_minute": "0",
    "language_authoring_gets_per_minute": "0",
    "language_read_seconds": "3",
    # glibc keeps a heap for each of dozens of threads, which grow for an hour: a leak could hide in them.
    "malloc_arena_max": "2",
    # The run is Event Grid itself.
    "functions_host_emulate_event_grid": "0",
}
STAND_IN_SETTINGS = {
    "pipeline_collect_visibility_seconds": "10",  # less than the lock
    "pipeline_in_hand_seconds": "25",  # no longer than an invocation takes
    "azurefunctionsjobhost__extensions__queues__visibilitytimeout": "00:00:03",  # until a failed message is tried again
}
"""On Microsoft's host these stay what they are, as its lock does."""


@dataclass(frozen=True)
class Options:
    documents: int
    seed: int
    language_api: str
    nets: bool = True
    host: str = "stand-in"
    kills: int = 0
    kill_pause: tuple[float, float] = (0.5, 5.0)
    settle_seconds: float = 300.0
    operations: bool = True
    """A retraining and a publication in the middle."""


@dataclass
class Outcome:
    """What a run was, and what came of it."""

    findings: Findings
    settled: bool
    """False when something was still under way in the end: then what is missing may be late, not lost."""
    plan: Plan
    kills: list[str]
    operations: dict[str, str]
    """How each operation ended, by what it was."""
    requests: dict[str, int]
    memory: dict[str, tuple[float, float, float]]
    seconds: dict[str, float]
    disturbances: dict[str, int]


@dataclass
class Chaos:
    """Everything that runs. `run` once, then `examine` as often as one likes."""

    options: Options
    stack: Stack
    proxy: FaultProxy
    cluster: Cluster
    events: EventGrid
    queues: QueueServiceClient
    memory: MemoryLog
    say: Callable[[str], None]
    ledger: Ledger = field(default_factory=Ledger)
    operations: dict[str, str] = field(default_factory=dict)
    revived: int = 0
    """Batches and operations that a crash left without a message, for the sweep."""
    uploaded: float = 0.0
    """The share of the plan that is done."""

    def run(self) -> Outcome:
        options, began = self.options, time.monotonic()
        samples = [path.read_text(encoding="utf-8") for path in load_dataset(SAMPLES).new.values() if is_text(path)]
        plan = make_plan(options.documents, seed=options.seed, samples=samples)
        killer = Killer(self.cluster, options.seed, options.kills, options.kill_pause, lambda: self.uploaded, self.say)
        with (
            Disturbances(self.stack, self.proxy, self.queues, options.seed) as disturbances,
            ThreadPoolExecutor(2) as pool,
        ):
            side = [pool.submit(killer.run)]
            if options.operations:
                side.append(pool.submit(self._operate))
            try:
                self._upload(plan)
                for each in side:
                    each.result()
            finally:
                self.uploaded = 1.0
                killer.stopping.set()
        disturbed = time.monotonic()
        self.say(f"fine weather after {disturbed - began:.0f} s; waiting until all has settled")
        is_settled = self._settle()
        settled = time.monotonic()
        self.say(
            f"{'settled' if is_settled else 'NOT settled'} after {settled - disturbed:.0f} s; comparing every document"
        )
        requests = self._requests()
        findings = self.examine()
        return Outcome(
            findings=findings,
            settled=is_settled,
            plan=plan,
            kills=self.cluster.kills,
            operations=self.operations,
            requests=requests,
            memory={f"host {number}": self.memory.fifths(number) for number in range(self.cluster.size)},
            seconds={
                "disturbed": round(disturbed - began, 1),
                "settling": round(settled - disturbed, 1),
                "all": round(time.monotonic() - began, 1),
            },
            disturbances={
                **disturbances.counts,
                "revived by the sweep": self.revived,
                "events lost": self.events.lost,
                "events repeated": self.events.repeated,
                **{f"storage {what}": count for what, count in sorted(self.proxy.counts.items()) if what},
            },
        )

    # What users do

    def _upload(self, plan: Plan) -> None:
        with ThreadPoolExecutor(UPLOADERS) as pool:
            for number, burst in enumerate(plan.bursts):
                list(pool.map(self._carry_out, burst))
                self.uploaded = (number + 1) / len(plan.bursts)
                self.say(
                    f"burst {number + 1} of {len(plan.bursts)}: {len(self.ledger.versions)} uploads, "
                    f"{self._records_written()} records written"
                )
                self._wait_for_backlog()

    def _carry_out(self, task: Task) -> None:
        container = self.stack.settings.documents_container
        documents = self.stack.container(container)
        for content in task.versions:
            if content is None:
                documents.delete(task.name)
                self.ledger.deleted(task.name)
            else:
                etag = documents.put(task.name, content.data)
                self.ledger.put(task.name, etag, content)
                self.events.announce(container, task.name, etag)

    def _wait_for_backlog(self) -> None:
        """The bursts are spread over the run, so that everything happens at the same time as everything else."""
        deadline = time.monotonic() + BURST_SECONDS
        wait_until(
            lambda: self._backlog() < BACKLOG or time.monotonic() > deadline,
            seconds=BURST_SECONDS * 5,
            what="the backlog to shrink",
            poll_seconds=0.5,
        )

    def _backlog(self) -> int:
        """About how many documents are under way."""
        batches = self.stack.settings.batches_queue
        return self.events.pending() + sum(
            count * (MAX_DOCUMENTS_PER_JOB if queue == batches else 1)
            for queue, count in messages_left(self.queues).items()
        )

    def _records_written(self) -> int:
        settings = self.stack.settings
        kept = (settings.classifications_container, settings.failures_container)
        return sum(self.proxy.requests[f"PUT {container}"] for container in kept)

    # A retraining and a publication

    def _operate(self) -> None:
        path = f"/api/projects/{self.stack.settings.language_project}"
        for share, kind, body in (
            (RETRAIN_AT, "retrain", {"model": SECOND, "force": True}),
            (PUBLISH_AT, "publish", {"model": FIRST}),
        ):
            wait_until(lambda share=share: self.uploaded >= share, seconds=3600, what="the middle of the run")  # type: ignore[misc]
            name = f"{kind} {body['model']}"
            address = self._start(path, kind, body)
            self.say(f"{name}: {address}")
            self.operations[name] = self._follow(address)
            self.say(f"{name}: {self.operations[name]}")

    def _start(self, project: str, kind: str, body: dict[str, Any]) -> str:
        def start(api: Api) -> str:
            try:
                return str(api.call("POST", f"{project}/{kind}", body)["operation"])
            except ApiError as error:
                if ": 409" not in str(error):
                    raise
            # An earlier answer was lost: the operation is there.
            newest = api.call("GET", f"{project}/operations")["operations"][0]
            return f"/api/operations/{newest['id']}"

        return self.cluster.call(start, seconds=OPERATION_SECONDS)

    def _follow(self, address: str) -> str:
        """How it ended, in words."""
        records: list[dict[str, Any]] = []

        def has_ended() -> bool:
            records.append(self.cluster.call(lambda api: api.call("GET", address), seconds=OPERATION_SECONDS))
            return bool(records[-1]["state"] != "running")

        limit = self.options.settle_seconds
        wait_until(has_ended, seconds=limit, what=f"operation {address}", poll_seconds=0.5)
        state, reason = records[-1]["state"], records[-1]["reason"]
        return state if state == "succeeded" else f"{state}: {reason}"

    # Afterwards

    def _settle(self) -> bool:
        """Until nothing is left to do; false when the limit is reached first.

        A crash between a record and its first message leaves both without a message; the documents go another way. The
        sweep ends them, half an hour later: when nothing else is left, it is run with its clock so far ahead.
        """
        told = [time.monotonic()]

        def is_settled() -> bool:
            left = self._left()
            if not left and self._open():
                left = "what the sweep revives"
                self._sweep_ahead()
            if left and time.monotonic() - told[0] > 10:
                told[0] = time.monotonic()
                self.say(f"still {left}")
            return not left

        try:
            wait_until(is_settled, seconds=self.options.settle_seconds, what="all to settle", poll_seconds=1.0)
        except TimeoutError:
            return False
        return True

    def _left(self) -> str:
        """What is still to do, the cheap questions first; "" when all is done."""
        if self.events.pending():
            return "events to deliver"
        messages = messages_left(self.queues)
        if messages:
            return ", ".join(f"{count} messages in {queue}" for queue, count in messages.items())
        missing = self._missing()
        return f"{missing} documents without their one record" if missing else ""

    def _open(self) -> list[str]:
        return [info.name for kind in ("batches", "operations") for info in self._pipeline().list(f"{kind}/open/")]

    def _sweep_ahead(self) -> None:
        """The product's own sweep, hours from now."""
        services = self.stack.services
        ahead = utc_now() + timedelta(hours=1 + self.revived)
        self.revived += len(self._open())
        assemble(services.settings, replace(services.adapters, clock=lambda: ahead)).sweep()

    def _missing(self) -> int:
        about: dict[str, list[str | None]] = defaultdict(list)
        settings = self.stack.settings
        for container in (settings.classifications_container, settings.failures_container):
            for info in self.stack.container(container).list(metadata=True):
                about[info.name].append(RecordFacts.read(info.metadata).etag)
        return sum(about.get(record_name(name)) != [etag] for name, etag in self.ledger.documents.items())

    def _pipeline(self) -> Any:
        return self.stack.container(self.stack.settings.pipeline_container)

    def _requests(self) -> dict[str, int]:
        counts = httpx.get(f"{self.stack.emulator_url}/_emulator/requests", timeout=30).json()
        return {"language": int(counts["total"]), "storage": sum(self.proxy.requests.values())}

    def examine(self) -> Findings:
        """Compare everything, around the proxy and without faults of the service."""
        set_service_faults(self.stack, [])
        httpx.put(
            f"{self.stack.emulator_url}/_emulator/progression", json={"analysis": "immediate"}, timeout=30
        ).raise_for_status()
        return judge(
            self.ledger, take_snapshot(self.stack, self.queues), DirectAnalysis(self.stack), explained=EXPLAINED
        )


def is_text(path: Path) -> bool:
    """Some of the samples are there for their encodings."""
    try:
        return bool(path.read_text(encoding="utf-8").strip())
    except UnicodeDecodeError:
        return False


@contextmanager
def running_chaos(folder: Path, options: Options, say: Callable[[str], None]) -> Iterator[Chaos]:
    """Start everything: storage, the proxy before it, the service, a trained model, two hosts."""
    is_real = options.host == "real"
    nets = NO_NETS if not options.nets else NETS if options.documents < MANY else NETS_OF_MANY
    changes = QUICK_SETTINGS | nets | ({} if is_real else STAND_IN_SETTINGS)
    with ExitStack() as stopping:
        stack = stopping.enter_context(
            running_stack(
                folder,
                with_host=False,
                changes=changes | {"language_api": options.language_api},
                emulator_flags={"analysis": "after 1 seconds"},
            )
        )
        seed_project(stack.services, load_dataset(SAMPLES), label=FIRST)
        set_service_faults(stack, [ALWAYS])
        azurite = stack.azurite
        proxy = stopping.enter_context(FaultProxy((azurite.blob_port, azurite.queue_port), seed=options.seed))
        connection = azurite.connection_string
        for direct, proxied in zip((azurite.blob_port, azurite.queue_port), proxy.ports, strict=True):
            connection = connection.replace(f":{direct}/", f":{proxied}/")
        environment = stack.environment | {"AzureWebJobsStorage": connection, "DATA_STORAGE": connection}
        starter = choose_host("real") if is_real else StandIn(QUICK_TIMINGS)
        queues = stopping.enter_context(QueueServiceClient.from_connection_string(azurite.connection_string))
        stack.services.adapters.open_queue(stack.settings.events_queue).ensure()
        cluster = stopping.enter_context(Cluster(starter, environment, folder).running())
        events = EventGrid(
            cluster,
            queues.get_queue_client(stack.settings.events_queue),
            seed=options.seed,
            loses=0.02 if options.nets else 0.0,
        )
        stopping.enter_context(events)
        memory = stopping.enter_context(MemoryLog(cluster))
        httpx.delete(f"{stack.emulator_url}/_emulator/requests", timeout=30).raise_for_status()
        yield Chaos(options, stack, proxy, cluster, events, queues, memory, say)
