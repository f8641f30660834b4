"""Event Grid's part for a host that has none: scans containers and posts a BlobCreated event for every new version.

`python -m functions_host.event_bridge --app DIR --url http://127.0.0.1:7071`, next to Core Tools, with the app's
settings in the environment. Our own host needs no bridge: it scans by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.blobs.receipts import Receipts
from functions_host.blobs.scanner import BlobScanner
from functions_host.blobs.triggers import BlobFunction
from functions_host.connections import HOST_STORAGE, Connections
from functions_host.loading import load_functions
from functions_host.platform_settings import find_host_id
from functions_host.settings import load_settings
from functions_host.singleton import Singleton
from functions_host.timings import HostTimings
from functions_host.web.blob_webhook import EVENT_TYPE_HEADER

_ACCEPTED = 202
_STOP_SECONDS = 5


def blob_created(message: BlobTriggerMessage, account_url: str) -> dict[str, Any]:
    """The event of https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage, as far as hosts read it."""
    path = f"{message.container}/{quote(message.blob)}"
    return {
        "id": str(uuid.uuid4()),
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": "/local",
        "subject": f"/blobServices/default/containers/{message.container}/blobs/{message.blob}",
        "eventTime": datetime.now(UTC).isoformat(),
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {
            "api": "PutBlob",
            "eTag": message.etag.strip('"'),
            "blobType": message.blob_type,
            "url": f"{account_url.rstrip('/')}/{path}",
        },
    }


def webhook_sender(host_url: str, key: str, account_urls: Mapping[str, str]) -> Callable[[BlobTriggerMessage], None]:
    """A function that delivers one event. When the host does not take it, it raises OSError: the next scan tries again.

    `account_urls` by function id.
    """

    def send(message: BlobTriggerMessage) -> None:
        query = urlencode({"functionName": message.function_id, "code": key})
        request = urllib.request.Request(  # noqa: S310 - the host's own http address
            f"{host_url}/runtime/webhooks/blobs?{query}",
            data=json.dumps([blob_created(message, account_urls[message.function_id])]).encode(),
            headers={"Content-Type": "application/json", EVENT_TYPE_HEADER: "Notification"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            if answer.status != _ACCEPTED:
                raise OSError(f"the webhook answered {answer.status}")

    return send


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m functions_host.event_bridge", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR")
    parser.add_argument("--url", required=True, help="where the host listens")
    arguments = parser.parse_args(argv)
    app_folder = arguments.app.resolve()
    settings = load_settings(os.environ, app_folder / "local.settings.json")
    os.environ.update(settings.environment)
    connections = Connections(settings)
    blob_functions = [
        BlobFunction.of(function)
        for function in load_functions(app_folder, settings)
        if function.trigger.type == "blobTrigger"
    ]
    functions = [function for function in blob_functions if function.is_event_grid]
    account_urls = {function.id: str(connections.blobs(function.connection).url) for function in functions}
    host_id = find_host_id(app_folder, settings)
    timings = HostTimings.from_environment(os.environ)
    scanner = BlobScanner(
        functions,
        connections,
        lambda function: Receipts(connections.blobs(HOST_STORAGE), f"{host_id}-bridge", function.id),
        webhook_sender(arguments.url, os.environ.get("FUNCTIONS_HOST_BLOBS_KEY", ""), account_urls),
        timings.blob_scan,
        Singleton(
            connections.blobs(HOST_STORAGE), f"{host_id}-bridge", "blob-scan", lease_seconds=timings.singleton_lease
        ),
    )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    scanner.start()
    print(f"Event bridge started: {len(functions)} functions", flush=True)
    stopping.wait()
    scanner.stop()
    scanner.join(time.monotonic() + _STOP_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
