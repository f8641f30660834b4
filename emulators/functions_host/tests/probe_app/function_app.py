"""A small function app that records what the host gives it, as blobs in the container `<RUN>-seen`."""

import asyncio
import json
import logging
import os
import threading
import time
import uuid
from typing import Any

import azure.functions as func
from azure.functions.blob import InputStream
from azure.storage.blob import BlobServiceClient

logging.warning("a line while the app is loaded")
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
data = os.environ["Data"]  # noqa: SIM112 - settings are named as the platform likes them
seen = BlobServiceClient.from_connection_string(data).get_container_client(f"{os.environ['RUN']}-seen")


def record(function_name: str, **facts: Any) -> None:
    seen.upload_blob(f"{function_name}/{uuid.uuid4()}", json.dumps(facts))


@app.blob_trigger(arg_name="blob", path="%RUN%-uploads/{folder}/{name}.txt", connection="Data")
def read_upload(blob: InputStream) -> None:
    record("read_upload", name=blob.name, length=blob.length)


@app.blob_trigger(arg_name="blob", path="%RUN%-events/{name}.txt", connection="Data", source=func.BlobSource.EVENT_GRID)
def read_event(blob: InputStream) -> None:
    if "broken" in (blob.name or ""):
        record("read_event_broken")
        raise RuntimeError("this blob is broken")
    record(
        "read_event",
        name=blob.name,
        uri=blob.uri,
        properties=blob.blob_properties,
        metadata=blob.metadata,
        content=blob.read().decode(),
    )


@app.queue_trigger(arg_name="message", queue_name="%RUN%-announced", connection="Data")
def read_announcement(message: func.QueueMessage, context: func.Context) -> None:
    logging.info("reading an announcement")
    record(
        "read_announcement",
        body=message.get_json(),
        id=message.id,
        dequeue_count=message.dequeue_count,
        invocation=context.invocation_id,
    )


@app.queue_trigger(arg_name="message", queue_name="%RUN%-orders", connection="Data")
def take_order(message: func.QueueMessage) -> None:
    """Does what the message says."""
    order = message.get_json()
    began = time.time()
    time.sleep(order.get("sleep", 0))
    record("take_order", order=order, dequeue_count=message.dequeue_count, began=began, ended=time.time())
    if order.get("fail", 0) >= (message.dequeue_count or 0):
        raise RuntimeError("as ordered")


@app.queue_trigger(arg_name="message", queue_name="%RUN%-orders-poison", connection="Data")
def read_poison(message: str) -> None:
    record("read_poison", body=message)
    raise RuntimeError("a poison queue has no poison queue")


@app.route(route="echo/{kind}/{*path}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    answer = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "header": req.headers.get("X-Probe"),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(
        json.dumps(answer),
        status_code=201,
        mimetype="application/json",
        headers={"Set-Cookie": "a=b; Path=/", "X-Out": "1"},
    )


@app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
async def greet(req: func.HttpRequest) -> str:
    return "hello"


@app.route(route="guarded", auth_level=func.AuthLevel.ADMIN)
def guard(req: func.HttpRequest) -> str:
    return "master"


@app.route(route="orders", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def count_orders(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(len(req.get_json())))


@app.route(route="threads", auth_level=func.AuthLevel.ANONYMOUS)
def log_from_thread(req: func.HttpRequest, context: func.Context) -> str:
    def speak() -> None:
        setattr(context.thread_local_storage, "invocation_id", context.invocation_id)  # noqa: B010 - the library types it as having none
        logging.info("from a thread of the app")

    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()
    return f"{context.function_name} {context.invocation_id}"


@app.route(route="lost", auth_level=func.AuthLevel.ANONYMOUS)
def log_from_unmarked_thread(req: func.HttpRequest) -> str:
    thread = threading.Thread(target=lambda: logging.warning("from a thread that is nobody's"))
    thread.start()
    thread.join()
    logging.warning("after the thread that is nobody's")
    return "spoken"


@app.route(route="tasks", auth_level=func.AuthLevel.ANONYMOUS)
async def log_from_tasks(req: func.HttpRequest) -> str:
    async def speak() -> None:
        logging.warning("from a task of the app")

    await asyncio.create_task(speak())
    await asyncio.to_thread(logging.warning, "from a thread beside the loop")
    logging.warning("after the tasks")
    return "spoken"


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def break_down(req: func.HttpRequest) -> str:
    raise RuntimeError("a secret in an exception")


@app.route(route="hang", auth_level=func.AuthLevel.ANONYMOUS)
def hang(req: func.HttpRequest) -> str:
    threading.Event().wait(60)
    return "too late"


@app.timer_trigger(arg_name="timer", schedule="%TICKS%", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    record("tick", past_due=timer.past_due)
    raise RuntimeError("a timer that fails goes on")
