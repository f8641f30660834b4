"""The fault proxy before a server of our own: what passes, what is spoiled, and what the server sees of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bench.fault_proxy import CALM, FaultProxy, Weather

LARGE = b"x" * 300_000


class Server(BaseHTTPRequestHandler):
    """Answers with what it was sent; GET /large in chunks, GET /none with 204."""

    protocol_version = "HTTP/1.1"
    seen: Counter[str]

    def do_PUT(self) -> None:
        self.seen[f"PUT {self.path}"] += 1
        if self.headers["Transfer-Encoding"]:
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.seen[f"HEAD {self.path}"] += 1
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def do_GET(self) -> None:
        self.seen[f"GET {self.path}"] += 1
        if self.path.endswith("/none"):
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(LARGE), 70_000):
            part = LARGE[start : start + 70_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(), 16)
        return self.rfile.read(size + 2)[:size]

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def running_server() -> Iterator[tuple[int, Counter[str]]]:
    seen: Counter[str] = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Seeing", (Server,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def proxied() -> Iterator[tuple[FaultProxy, httpx.Client, Counter[str]]]:
    with (
        running_server() as (port, seen),
        FaultProxy((port,), seed=3) as proxy,
        httpx.Client(base_url=f"http://127.0.0.1:{proxy.ports[0]}/account") as client,
    ):
        yield proxy, client, seen


Proxied = tuple[FaultProxy, httpx.Client, Counter[str]]


def test_in_calm_weather_all_calls_of_a_connection_pass_unchanged(proxied: Proxied) -> None:
    proxy, client, seen = proxied
    assert client.put("/documents/a.txt", content=LARGE).content == LARGE
    assert client.head("/documents/a.txt").headers["Content-Length"] == "12345"
    assert client.get("/none").status_code == 204
    assert client.get("/large").content == LARGE
    assert client.put("/documents/b.txt", content=b"").status_code == 201
    assert seen.total() == 5
    assert proxy.counts == {"": 5}
    assert proxy.requests["PUT documents"] == 2


def test_a_chunked_request_passes_up_to_its_end_and_the_connection_lives_on(proxied: Proxied) -> None:
    proxy, client, _ = proxied
    assert client.put("/documents/a.txt", content=iter([LARGE, b"end"])).content == LARGE + b"end"
    assert client.put("/documents/b.txt", content=b"text").content == b"text"
    assert proxy.counts == {"": 2}


def test_a_busy_storage_answers_503_and_the_server_sees_nothing(proxied: Proxied) -> None:
    proxy, client, seen = proxied
    proxy.weather = Weather(busy=1.0)
    answer = client.put("/documents/a.txt", content=b"text")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (503, "ServerBusy")
    assert client.head("/documents/a.txt").status_code == 503
    assert not seen
    proxy.weather = CALM
    assert client.put("/documents/a.txt", content=b"text").content == b"text"


@pytest.mark.parametrize(
    ("weather", "reaches"),
    [(Weather(cut_before=1.0), 0), (Weather(cut_after=1.0), 1), (Weather(cut_within=1.0), 1)],
    ids=["cut before", "cut after", "cut within"],
)
def test_a_cut_connection_gives_no_answer_and_does_the_work_only_afterwards(
    proxied: Proxied, weather: Weather, reaches: int
) -> None:
    proxy, client, seen = proxied
    proxy.weather = weather
    with pytest.raises(httpx.TransportError):
        client.put("/documents/a.txt", content=LARGE)
    assert seen.total() == reaches


def test_a_slow_call_arrives_unchanged(proxied: Proxied) -> None:
    proxy, client, seen = proxied
    proxy.weather = Weather(slow=1.0, slow_seconds=0.01)
    assert client.put("/documents/a.txt", content=b"text").content == b"text"
    assert proxy.counts["slow"] == seen.total() == 1


def test_the_chances_are_those_of_the_weather_and_the_seeds_alone() -> None:
    weather = Weather(busy=0.2, cut_before=0.1, slow=0.3)
    assert [weather.pick(roll) for roll in (0.0, 0.19, 0.25, 0.31, 0.59, 0.61)] == [
        "busy",
        "busy",
        "cut_before",
        "slow",
        "slow",
        "",
    ]


def test_a_server_that_is_gone_cuts_the_call_off() -> None:
    with running_server() as (port, _):
        pass
    with FaultProxy((port,)) as proxy, pytest.raises(httpx.TransportError):
        httpx.put(f"http://127.0.0.1:{proxy.ports[0]}/account/documents/a.txt", content=b"text")
