"""Faults that only a real connection shows: resets, truncated and slow bodies, closed ports."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from azurite_process.processes import free_port
from shared.errors import AnswerLostError, LanguageUnavailableError, PigeonholeError
from shared.language.apis.base import Call
from shared.language.apis.text_authoring_2021 import TextAuthoring2021
from shared.language.client import MAX_TRIES, LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import LroStatus, ModelRef, ProjectKind, TextInput

API = TextAuthoring2021()
MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="id-1", label="model1")
POST = API.submit_analyze([TextInput("0", "x")], MODEL, display_name="d")
GET = API.get_analyze_job("job-1")

Script = Callable[[socket.socket], None]


class RawServer:
    """Reads each request to its end, then does with the connection what the script says."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.served = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        while not self.over.is_set():
            # A client may be gone in the middle of anything; the end of the listener ends the accept.
            with contextlib.suppress(OSError):
                connection, _ = self.listener.accept()
                with connection:
                    if self._read(connection):
                        self.served += 1
                        self.script(connection)

    def _read(self, connection: socket.socket) -> bool:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (chunk := connection.recv(65_536)):
                return False
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        while len(body) < sum(lengths):
            body += connection.recv(65_536)
        return True

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@contextmanager
def serving(script: Script) -> Iterator[RawServer]:
    server = RawServer(script)
    server.thread.start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def calling(url: str, *, read_seconds: float = 5.0) -> Iterator[LanguageClient]:
    timeout = httpx.Timeout(read_seconds, connect=2.0)
    with httpx.Client(timeout=timeout, trust_env=False) as http:
        yield LanguageClient(url, KeyCredential("k"), http, sleep=lambda _: None)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_in_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    reset(connection)


def close_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def truncate(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": "run')


def truncate_chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}")


def speak_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"HELLO\r\n\r\n")


FAULTS: dict[str, Script] = {
    "reset before the answer": reset,
    "reset in the body": reset_in_body,
    "closed before the answer": close_at_once,
    "a truncated body": truncate,
    "truncated chunks": truncate_chunks,
    "another protocol": speak_nonsense,
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_broken_answer_to_a_get_is_asked_for_again_three_times_at_most(case: str) -> None:
    with serving(FAULTS[case]) as server, calling(server.url) as client:
        with pytest.raises(LanguageUnavailableError):
            client.send(GET)
        assert server.served == MAX_TRIES


@pytest.mark.parametrize("case", FAULTS)
def test_a_broken_answer_to_a_post_is_lost_and_the_post_not_repeated(case: str) -> None:
    with serving(FAULTS[case]) as server, calling(server.url) as client:
        with pytest.raises(AnswerLostError):
            client.send(POST)
        assert server.served == 1


@pytest.mark.parametrize(
    ("call", "error"), [(GET, LanguageUnavailableError), (POST, AnswerLostError)], ids=["GET", "POST"]
)
@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], ids=["silent", "slow body"]
)
def test_an_answer_that_does_not_come_in_time_is_given_up(
    call: Call[object], error: type[PigeonholeError], begin: bytes
) -> None:
    gave_up = threading.Event()

    def stall(connection: socket.socket) -> None:
        connection.sendall(begin)
        gave_up.wait(5)

    with serving(stall) as server:
        with calling(server.url, read_seconds=0.05) as client, pytest.raises(error):
            client.send(call)
        gave_up.set()


def test_a_closed_port_is_unavailable_and_a_post_may_be_tried_again() -> None:
    with (
        calling(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(LanguageUnavailableError, match="ConnectError"),
    ):
        client.send(POST)


def test_a_name_without_an_address_is_unavailable() -> None:
    with calling("https://nowhere.invalid") as client, pytest.raises(LanguageUnavailableError):
        client.send(GET)


def test_a_redirect_reaches_no_other_listener() -> None:
    def answer_late(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(answer_late) as foreign:

        def redirect(connection: socket.socket) -> None:
            connection.sendall(f"HTTP/1.1 307 Go\r\nLocation: {foreign.url}/x\r\nContent-Length: 0\r\n\r\n".encode())

        with serving(redirect) as server, calling(server.url) as client, pytest.raises(LanguageUnavailableError):
            client.send(POST)
        assert foreign.served == 0


def test_a_forged_address_reaches_no_other_listener() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(answer) as foreign:
        address = f"{foreign.url}/text/analytics/v3.1-preview.ct.1/analyze/jobs/1"

        def accept(connection: socket.socket) -> None:
            connection.sendall(
                f"HTTP/1.1 202 OK\r\nOperation-Location: {address}\r\nContent-Length: 0\r\n\r\n".encode()
            )

        with (
            serving(accept) as server,
            calling(server.url) as client,
            pytest.raises(PigeonholeError, match="another origin"),
        ):
            client.send(POST)
        assert foreign.served == 0


def test_a_good_answer_in_many_small_pieces_is_read() -> None:
    body = b'{"status": "running", "tasks": {}}'

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            connection.sendall(bytes([byte]))

    with serving(drip) as server, calling(server.url) as client:
        assert client.send(GET).status is LroStatus.RUNNING
