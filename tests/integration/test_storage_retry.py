"""The storage clients the app builds, against a storage service that drops a connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from shared.services import build_services
from tests.fakes import app_settings

ACCOUNT = "AccountName=devstoreaccount1;AccountKey=" + "A" * 86 + "=="


class DropsTheFirst(BaseHTTPRequestHandler):
    """Reads the first request and closes its connection; answers that nothing is there from then on."""

    seen = 0

    def do_HEAD(self) -> None:
        DropsTheFirst.seen += 1
        if DropsTheFirst.seen == 1:
            self.close_connection = True
            return
        self.send_response(404)
        self.send_header("x-ms-error-code", "BlobNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def storage() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), DropsTheFirst) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/devstoreaccount1"
        yield f"DefaultEndpointsProtocol=http;{ACCOUNT};BlobEndpoint={address};QueueEndpoint={address}"
        server.shutdown()
        thread.join()


def test_a_dropped_connection_costs_about_a_second_not_the_fifteen_of_the_sdk(storage: str) -> None:
    services = build_services(app_settings(data_storage=storage))
    begun = time.monotonic()
    assert services.records.documents.find("a.txt") is None
    services.close()
    assert DropsTheFirst.seen == 2
    assert time.monotonic() - begun < 8
