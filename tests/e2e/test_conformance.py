"""The app in Microsoft's own hands: their loader finds every function, their binding code invokes each of them.

Against real Azurite and the emulator; messages are carried from queue to queue by the test.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.functions.meta import Datum
from azure.storage.queue import QueueServiceClient

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from functions_host.blobs.paths import BlobPath
from functions_host.blobs.triggers import blob_trigger_data
from functions_host.connections import Connections
from functions_host.functions import Function
from functions_host.loading import load_functions
from functions_host.settings import AppSettings
from functions_host.testing.microsoft_worker import MicrosoftWorker, microsoft_worker
from functions_host.timers.listener import timer_data
from functions_host.worker.decoding import TriggerData, as_json, text
from language_emulator.server import running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.corpus import DOCUMENTS, july_labels, labelled_texts, upload_corpus
from local.provision import provision
from local.settings import ROOT, app_settings
from shared.services import Services
from shared.storage.ports import BlobStore, MessageQueue
from tests.e2e.conftest import QUICK_SETTINGS

pytestmark = pytest.mark.e2e

KEY = "emulator-key"
PROJECT = "tickets"
NAMES = ("documents", "classifications", "failures", "pipeline", "training")
QUEUES = ("documents", "collect", "batches", "operations", "events")


@dataclass
class App:
    """The app as Microsoft's worker holds it, and as the local host lists it."""

    worker: MicrosoftWorker
    local: dict[str, Function]
    services: Services
    connections: Connections
    connection_string: str
    invoked: set[str] = field(default_factory=set)

    def container(self, name: str) -> BlobStore:
        return self.services.adapters.open_container(name)

    def invoke(self, name: str, trigger: TriggerData) -> Datum | None:
        answer = self.worker.invoke(name, trigger)
        assert answer.error is None, f"{name}: {answer.error}"
        self.invoked.add(name)
        return answer.returned

    def run(self, name: str, value: str = "") -> None:
        """With the facts the local host gives: `value` is a message's body or a blob's path."""
        trigger = self.local[name].trigger
        if trigger.type == "timerTrigger":
            data = timer_data(None, is_past_due=False)
        elif trigger.type == "blobTrigger":
            container, _, path = value.partition("/")
            blob = self.connections.blobs(trigger.connection).get_blob_client(container, path)
            data = blob_trigger_data(blob, blob.get_blob_properties(), BlobPath.parse(trigger.text("path")))
        else:
            facts = {"Id": text(secrets.token_hex(8)), "DequeueCount": as_json(1)}
            data = TriggerData(text(value), {"QueueTrigger": text(value), **facts})
        assert self.invoke(name, data) is None

    def deliver(self, queue: MessageQueue, name: str) -> bool:
        """One message of a queue to its function; False when there is none."""
        for message in queue.receive(1, visibility=timedelta(minutes=5)):
            assert message.text is not None
            self.run(name, message.text)
            queue.delete(message)
            return True
        return False

    def ask(self, name: str, *, body: Any = None, query: dict[str, str] | None = None, **route: str) -> tuple[int, Any]:
        """An HTTP function's status and JSON."""
        [method] = self.local[name].trigger.properties["methods"]
        value = {
            "method": text(method),
            "url": text(f"http://host/api/{name}?{urlencode(query or {})}"),
            "headers": {},
            "query": {key: text(each) for key, each in (query or {}).items()},
            "params": {key: text(each) for key, each in route.items()},
            "body": Datum(b"" if body is None else json.dumps(body).encode(), "bytes"),
        }
        answer = self.invoke(name, TriggerData(Datum(value, "http"), {}))
        assert answer is not None
        return int(answer.value["status_code"].value), json.loads(answer.value["body"].value)

    def follow(self, operation: str) -> Any:
        """Deliver the operations queue until the operation has ended; a redrive waits for what is still to collect."""
        operation_id = operation.rsplit("/", 1)[1]
        records: list[Any] = []

        def has_ended() -> bool:
            self.deliver(self.services.inbox.collect_queue, "collect_documents")
            self.deliver(self.services.operations.steps.queue, "advance_operation")
            records.append(self.ask("get_operation", id=operation_id)[1])
            return bool(records[-1]["ended"])

        wait_until(has_ended, seconds=60, what=f"operation {operation_id}", poll_seconds=0.1)
        return records[-1]


@pytest.fixture(scope="module")
def app(azurite: Azurite) -> Iterator[App]:
    run = f"conform{secrets.token_hex(4)}"
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator(EmulatorSettings(storage=azurite.connection_string, key=KEY)))
        settings = app_settings(
            data_storage=azurite.connection_string,
            language_endpoint=emulator.url,
            language_key=KEY,
            project=PROJECT,
            **QUICK_SETTINGS,
            **{f"{name}_container": f"{run}-{name}" for name in NAMES},
            **{f"{name}_queue": f"{run}-{name}" for name in QUEUES},
        )
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in settings.items():
            environment.setenv(name, value)
        environment.chdir(ROOT)
        environment.setattr(sys, "path", list(sys.path))
        local = load_functions(ROOT, AppSettings(settings))
        sys.modules["function_app"].services.close()
        worker = stack.enter_context(microsoft_worker(ROOT))
        services: Services = sys.modules["function_app"].services
        stack.callback(services.close)
        connections = Connections(AppSettings(settings))
        stack.callback(connections.close)
        provision(services)
        upload_corpus(azurite.connection_string, f"{run}-training", single_label=False)
        yield App(
            worker, {function.name: function for function in local}, services, connections, azurite.connection_string
        )


def test_their_loader_finds_the_functions_that_the_local_host_lists(app: App) -> None:
    assert set(app.worker.functions) == set(app.local)
    assert len(app.local) >= 27


def test_their_loader_reads_the_bindings_that_the_local_host_reads(app: App) -> None:
    for name, function in app.local.items():
        theirs = app.worker.functions[name]
        assert theirs.get_trigger().type == function.trigger.type
        described = {(binding["name"], binding["type"]) for binding in map(json.loads, theirs.get_raw_bindings())}
        assert described == {(binding.name, binding.type) for binding in function.bindings}
        if function.trigger.type != "httpTrigger" and function.trigger.type != "timerTrigger":
            assert function.trigger.connection == "DATA_STORAGE"


def test_every_function_runs_in_their_worker(app: App) -> None:
    """One story in which each function has its part."""
    train(app)
    look_at_the_models(app)
    classify(app)
    look_at_the_documents(app)
    review(app)
    send_again(app)
    leave_dead_letters(app)
    redrive(app)
    classify_a_burst(app)
    # The staging deployment holds it since the swap.
    assert app.ask("delete_model", project=PROJECT, model="first", query={"confirm": "first"})[0] == 409
    assert app.ask("delete_project", project=PROJECT, query={"confirm": PROJECT})[0] == 200
    assert app.invoked == set(app.local)
    assert {app.local[name].trigger.type for name in app.invoked} == {
        "httpTrigger",
        "queueTrigger",
        "blobTrigger",
        "timerTrigger",
    }


def train(app: App) -> None:
    assert app.ask("get_project", project=PROJECT)[0] == 404
    assert (
        app.ask("put_project", project=PROJECT, body={"kind": "multi_label", "acceptance": {"precision": 0.95}})[0]
        == 201
    )
    labels = july_labels(labelled_texts(40, single_label=False))
    assert app.ask("put_labels", project=PROJECT, body=labels)[0] == 200
    for model in ("first", "second"):
        status, started = app.ask("retrain", project=PROJECT, body={"model": model})
        assert status == 202
        assert app.follow(started["operation"])["reason"] == f"{model} is in use"
    status, started = app.ask("publish", project=PROJECT, body={"model": "first"})
    assert app.ask("cancel_operation", id=started["id"])[0] == 202
    assert app.follow(started["operation"])["state"] == "cancelled"
    states = [each["state"] for each in app.ask("list_operations", project=PROJECT)[1]["operations"]]
    assert sorted(states) == ["cancelled", "succeeded", "succeeded"]


def look_at_the_models(app: App) -> None:
    models = app.ask("list_models", project=PROJECT)[1]["models"]
    assert [(each["model"], each["in_use"]) for each in models] == [("first", False), ("second", True)]
    assert app.ask("get_evaluation", project=PROJECT, query={"model": "first"})[1]["label"] == "first"
    assert app.ask("get_validation", project=PROJECT, query={"model": "first"})[1]["documents"] == 13
    assert app.ask("compare_models", project=PROJECT, query={"models": "first,second"})[0] == 200
    assert app.ask("get_trial", project=PROJECT, model="second")[1]["documents"] == 13
    assert len(app.ask("list_all_operations")[1]["operations"]) == 3


def classify(app: App) -> None:
    """By the blob trigger, and by its event where Event Grid delivers to a queue."""
    documents = app.services.records.documents
    container = app.services.settings.documents_container
    for name, document in DOCUMENTS.items():
        documents.put(f"{name}.txt", document.encode())
    app.run("accept_document", f"{container}/account.txt")
    app.run("accept_document", f"{container}/billing.txt")
    app.run("accept_event", upload_event(app, "delivery.txt"))
    collect(app)
    for name in DOCUMENTS:
        record = json.loads(app.services.records.classifications.read(f"{name}.txt.json").data)
        assert (record["model"]["label"], name in {each["name"] for each in record["classes"]}) == ("second", True)


def classify_a_burst(app: App) -> None:
    """A full batch goes through its queue."""
    names = [f"burst-{number:02}.txt" for number in range(25)]
    for name in names:
        app.services.records.documents.put(name, DOCUMENTS["billing"].encode())
        app.services.inbox.classify_again(name)
    collect(app)
    assert all(app.services.records.read_classification(name) for name in names)


def collect(app: App) -> None:
    inbox, batches = app.services.inbox, app.services.batches.queue

    def is_done() -> bool:
        app.deliver(inbox.collect_queue, "collect_documents")
        app.deliver(batches, "advance_batch")
        return inbox.documents_queue.length() + batches.length() == 0

    wait_until(is_done, seconds=60, what="empty queues", poll_seconds=0.2)


def upload_event(app: App, name: str) -> str:
    info = app.services.records.documents.find(name)
    assert info is not None
    container = app.services.settings.documents_container
    event = {
        "id": "1",
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "data": {
            "api": "PutBlob",
            "eTag": info.etag,
            "contentLength": info.size,
            "blobType": "BlockBlob",
            "url": f"https://letters.blob.core.windows.net/{container}/{name}",
        },
    }
    return json.dumps(event)


def look_at_the_documents(app: App) -> None:
    assert app.ask("get_health")[1]["healthy"]
    assert app.ask("get_status")[1]["active_model"]["label"] == "second"
    status, found = app.ask("get_document", path="billing.txt")
    assert (status, found["state"]) == (200, "classified")
    assert [each["name"] for each in app.ask("list_documents", query={"prefix": "bill"})[1]["documents"]] == [
        "billing.txt"
    ]
    assert app.ask("list_failures")[1]["failures"] == []
    assert sum(each["review"] for each in app.ask("get_metrics")[1]["days"]) == len(DOCUMENTS)
    assert app.ask("get_page", path="signed-in") == (200, {"name": None})
    assert app.ask("get_openapi")[1]["openapi"] == "3.1.0"
    batches = app.ask("list_batches")[1]["batches"]
    assert app.ask("get_batch", id=batches[0]["id"])[1]["id"] == batches[0]["id"]


def review(app: App) -> None:
    """13 golden documents are too few for a promise, so that everything waits for a person."""
    waiting = app.ask("list_reviews")[1]["reviews"]
    assert {each["name"] for each in waiting} == {f"{name}.txt" for name in DOCUMENTS}
    item = app.ask("get_review", id=waiting[0]["id"])[1]
    answer = {"classes": item["choices"][:1], "by": "Ada"}
    assert app.ask("decide_review", id=item["id"], body=answer)[1]["state"] == "decided"
    assert app.ask("undo_review", id=item["id"])[1]["state"] == "open"


def state(app: App) -> BlobStore:
    return app.container(app.services.settings.pipeline_container)


def send_again(app: App) -> None:
    """Somebody's wish, a reclassification, and the timers."""
    assert app.ask("classify_document", path="billing.txt/classify")[0] == 202
    status, started = app.ask("reclassify", body={"prefix": "account"})
    assert status == 202
    assert app.follow(started["operation"])["sent"] == 1
    collect(app)
    app.services.records.documents.put("lost.txt", b"an event that never came, about a parcel")
    app.run("reconcile")
    app.run("sweep")
    totals = json.loads(state(app).read("status/totals.json").data)
    assert (totals["documents"], totals["missing"]) == (4, 1)


def leave_dead_letters(app: App) -> None:
    """What the host gave up on is kept, whoever reads it."""
    settings = app.services.settings
    blob_message = {"Type": "BlobTrigger", "ContainerName": settings.documents_container, "BlobName": "lost.txt"}
    abandoned = {
        "webjobs-blobtrigger-poison": json.dumps(blob_message),
        f"{settings.events_queue}-poison": upload_event(app, "lost.txt"),
        f"{settings.collect_queue}-poison": '{"schema": 1}',
        f"{settings.batches_queue}-poison": json.dumps({"schema": 1, "id": "0" * 32}),
        f"{settings.operations_queue}-poison": json.dumps({"schema": 1, "id": "unknown"}),
    }
    with QueueServiceClient.from_connection_string(app.connection_string) as service:
        for name, body in abandoned.items():
            queue = service.get_queue_client(name)
            with suppress(ResourceExistsError):
                queue.create_queue()
            queue.send_message(base64.b64encode(body.encode()).decode())
    app.run("sweep")
    kept = {info.name.split("/")[1] for info in state(app).list("dead-letters/")}
    queues = {settings.events_queue, settings.collect_queue, settings.batches_queue, settings.operations_queue}
    assert kept == {"webjobs-blobtrigger-poison", *queues}
    # Nothing is wrong with the document, so it was accepted once more.
    assert app.services.records.read_failure("lost.txt") is None
    assert app.services.inbox.documents_queue.length() > 0


def redrive(app: App) -> None:
    """What failed, and what the host gave up on, once more."""
    status, started = app.ask("redrive_failures", body={"reason": "poisoned"})
    assert status == 202
    assert app.follow(started["operation"])["sent"] == 0
    status, started = app.ask("redrive_dead_letters")
    assert status == 202
    ended = app.follow(started["operation"])
    # The upload, its event and the wake; of a batch and an operation nobody knows nothing can be made.
    assert (ended["sent"], ended["skipped"]) == (3, 2)
