"""The transport under the storage SDK behaves as the one the SDK has by default; both run through the same tests."""

from __future__ import annotations

import base64
import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
import urllib3
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ResponseNotReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
    StreamConsumedError,
)
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from azure.storage.blob import BlobServiceClient, LinearRetry
from urllib3 import exceptions as wire

from shared.storage.transport import PooledTransport, translated

KEY = "A" * 86 + "=="
HANG_UP = b""
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def answer(body: bytes = b"", *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Wire:
    """A server that says what it is told, request by request; the last answer repeats. It hangs up after HANG_UP."""

    answers: list[bytes] = field(default_factory=lambda: [answer(b"hello")])
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None
    released: threading.Event = field(default_factory=threading.Event)
    """Until it is set, an answer of None bytes is not sent."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection, connection.makefile("rb") as reader:
                while self._answer(reader, connection):
                    pass
        except OSError:
            return  # it hung up: a certificate that it does not trust, or the end of the test

    def _answer(self, reader: Any, connection: socket.socket) -> bool:
        head = b"".join(iter(reader.readline, b"\r\n")).decode() if reader.peek(1) else ""
        if not head:
            return False
        self.heads.append(head)
        self.bodies.append(reader.read(int(header(head, "content-length") or 0)))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if said == b"silence":
            self.released.wait(10)
            return False
        connection.sendall(said)
        whole = said and int(header(said.partition(b"\r\n\r\n")[0].decode(), "content-length") or 0)
        return bool(said) and len(said.partition(b"\r\n\r\n")[2]) >= int(whole)

    def close(self) -> None:
        self.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already
        for thread in self._threads:
            thread.join(5)


def header(head: str, name: str) -> str | None:
    lines = (line.partition(":") for line in head.splitlines()[1:])
    return next((value.strip() for found, _, value in lines if found.lower() == name), None)


@pytest.fixture
def server() -> Iterator[Wire]:
    wire_server = Wire()
    yield wire_server
    wire_server.close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in BUNDLE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


NewTransport = Callable[..., "HttpTransport[Any, Any]"]


def _sdk_transport(**seconds: float) -> HttpTransport[Any, Any]:
    names = {"connect_seconds": "connection_timeout", "read_seconds": "read_timeout"}
    found: HttpTransport[Any, Any] = RequestsTransport(**{names[name]: value for name, value in seconds.items()})
    return found


@pytest.fixture(params=["the SDK's", "ours"])
def new_transport(request: pytest.FixtureRequest) -> Iterator[NewTransport]:
    """Makes transports, which are closed after the test."""
    made: list[HttpTransport[Any, Any]] = []

    def new(**seconds: float) -> HttpTransport[Any, Any]:
        found = _sdk_transport(**seconds) if request.param == "the SDK's" else PooledTransport(**seconds)
        made.append(found)
        return found

    yield new
    for transport in made:
        transport.close()


def get(transport: HttpTransport[Any, Any], url: str, **options: Any) -> Any:
    return transport.send(HttpRequest("GET", url), **options)


def test_an_answer_has_what_the_sdk_reads_from_it(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b'{"a": 1}', "Content-Type: application/json", "X-Ms-Meta-Etag: x", status="201 Created")]
    found = get(new_transport(), f"{server.url}/container/a%20name.txt?comp=metadata")
    assert (found.status_code, found.reason, found.content_type) == (201, "Created", "application/json")
    assert found.headers["x-ms-meta-etag"] == found.headers.get("X-MS-Meta-ETag") == "x"
    assert (found.content, found.body(), found.text(), found.json()) == (b'{"a": 1}', b'{"a": 1}', '{"a": 1}', {"a": 1})
    assert found.url == found.request.url
    assert server.heads[0].startswith("GET /container/a%20name.txt?comp=metadata HTTP/1.1\r\n")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "HEAD"])
@pytest.mark.parametrize("body", [b"", b"\x00\xffbytes"])
def test_a_request_is_sent_as_it_is(server: Wire, new_transport: NewTransport, method: str, body: bytes) -> None:
    server.answers = [answer()]
    new_transport().send(HttpRequest(method, f"{server.url}/a", headers={"x-ms-date": "today"}, content=body))
    assert server.heads[0].startswith(f"{method} /a HTTP/1.1\r\n")
    assert header(server.heads[0], "x-ms-date") == "today"
    assert server.bodies == [body]


@pytest.mark.parametrize(
    ("rest", "target"), [("", "/"), ("?comp=list", "/?comp=list"), ("/a%2Fb/c%20d?x=%C3%A9&y=", None)]
)
def test_an_address_is_asked_for_as_it_is(
    server: Wire, new_transport: NewTransport, rest: str, target: str | None
) -> None:
    get(new_transport(), server.url + rest)
    assert server.heads[0].split()[1] == (target or rest)


def test_a_mark_before_the_text_is_not_part_of_it(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer("\ufeff<Error/>".encode(), "Content-Type: application/xml")]
    assert get(new_transport(), server.url).text() == "<Error/>"


def test_one_connection_serves_many_calls_and_streams(server: Wire, new_transport: NewTransport) -> None:
    transport = new_transport()
    for _ in range(3):
        get(transport, server.url)
        assert b"".join(get(transport, server.url, stream=True).stream_download(None)) == b"hello"
    assert server.connections == 1


def test_a_redirect_is_left_to_the_sdk(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"", f"Location: {server.url}/elsewhere", status="307 Temporary Redirect")]
    assert get(new_transport(), server.url).status_code == 307
    assert len(server.heads) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_who_does_not_listen_was_not_sent_a_request(new_transport: NewTransport, stream: bool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(ServiceRequestError):
            get(new_transport(), f"http://127.0.0.1:{taken.getsockname()[1]}", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_ends_before_the_answer_is_no_answer(
    server: Wire, new_transport: NewTransport, stream: bool
) -> None:
    server.answers = [HANG_UP]
    with pytest.raises(ServiceResponseError) as raised:
        get(new_transport(), server.url, stream=stream)
    assert not isinstance(raised.value, ServiceResponseTimeoutError)
    assert len(server.heads) == 1  # the SDK tries again, not the transport


@pytest.mark.parametrize("of_the_call", [False, True])
def test_silence_ends_with_the_time_limit(server: Wire, new_transport: NewTransport, of_the_call: bool) -> None:
    server.answers = [b"silence"]
    transport = new_transport() if of_the_call else new_transport(read_seconds=0.1)
    with pytest.raises(ServiceResponseTimeoutError):
        get(transport, server.url, **({"read_timeout": 0.1} if of_the_call else {}))


def test_half_an_answer_is_no_answer(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"half", length=8)]
    with pytest.raises(IncompleteReadError):
        get(new_transport(), server.url)


def test_half_a_stream_is_no_stream(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"half", length=8), answer(b"whole")]
    transport = new_transport()
    with pytest.raises(IncompleteReadError):
        list(get(transport, server.url, stream=True).stream_download(None))
    assert get(transport, server.url).content == b"whole"


def test_a_stream_is_read_once_and_only_when_asked_for(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"x" * 300_000)]
    found = get(new_transport(), server.url, stream=True)
    with pytest.raises(ResponseNotReadError):
        _ = found.content
    blocks = list(found.iter_bytes())
    assert len(blocks) > 1
    assert b"".join(blocks) == b"x" * 300_000
    assert found.is_stream_consumed
    with pytest.raises(StreamConsumedError):
        next(iter(found.iter_raw()))


def test_a_streamed_error_can_be_read_as_a_whole(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"<Error/>", status="404 Not Found")]
    found = get(new_transport(), server.url, stream=True)
    assert found.read() == b"<Error/>"
    with pytest.raises(HttpResponseError):
        found.raise_for_status()


@pytest.mark.parametrize(("decompress", "expected"), [(True, b"text"), (False, gzip.compress(b"text", mtime=0))])
def test_a_compressed_stream_is_given_as_asked_for(
    server: Wire, new_transport: NewTransport, decompress: bool, expected: bytes
) -> None:
    server.answers = [answer(gzip.compress(b"text", mtime=0), "Content-Encoding: gzip")]
    stream = get(new_transport(), server.url, stream=True).stream_download(None, decompress=decompress)
    assert b"".join(stream) == expected


def test_what_only_says_it_is_compressed_cannot_be_read(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [answer(b"text", "Content-Encoding: gzip")]
    with pytest.raises(DecodeError):
        list(get(new_transport(), server.url, stream=True).stream_download(None))


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[Wire, Path]]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    server = Wire(tls=context)
    yield server, bundle
    server.close()


def test_a_certificate_of_a_stranger_is_refused(https: tuple[Wire, Path], new_transport: NewTransport) -> None:
    with pytest.raises(ServiceRequestError):
        get(new_transport(), https[0].url)


@pytest.mark.parametrize("variable", BUNDLE_VARIABLES)
def test_the_environment_names_the_authorities(
    https: tuple[Wire, Path], new_transport: NewTransport, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    server, bundle = https
    monkeypatch.setenv(variable, str(bundle))
    assert get(new_transport(), server.url).content == b"hello"
    # Not the name it was issued for.
    with pytest.raises(ServiceRequestError):
        get(new_transport(), f"https://localhost:{server.port}")


def test_a_proxy_is_asked_for_the_whole_address(
    server: Wire, new_transport: NewTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{quote('p@ss')}@127.0.0.1:{server.port}")
    assert get(new_transport(), "http://account.example/a?b=c").content == b"hello"
    assert server.heads[0].startswith("GET http://account.example/a?b=c HTTP/1.1\r\n")
    account = base64.b64encode(b"user:p@ss").decode()
    assert header(server.heads[0], "proxy-authorization") == f"Basic {account}"


def test_https_goes_through_a_tunnel(
    server: Wire, new_transport: NewTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [answer(status="403 Forbidden")]
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{server.port}")
    with pytest.raises(ServiceRequestError):
        get(new_transport(), "https://account.example/a")
    assert server.heads[0].startswith("CONNECT account.example:443 HTTP/1.")


@pytest.mark.parametrize("direct", ["127.0.0.1", "*", "127.0.0.0/8"])
def test_no_proxy_is_used_where_the_environment_says_so(
    server: Wire, new_transport: NewTransport, monkeypatch: pytest.MonkeyPatch, direct: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", direct)
    assert get(new_transport(), server.url).content == b"hello"


def test_the_environment_is_read_once() -> None:
    """The one difference, and the reason for a transport of our own."""
    with pytest.MonkeyPatch.context() as environment:
        proxy, transport = Wire(), PooledTransport()
        environment.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        get(transport, "http://account.example/first")
        environment.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        get(transport, "http://account.example/second")
        transport.close()
        proxy.close()
    assert [head.split()[1] for head in proxy.heads] == [
        "http://account.example/first",
        "http://account.example/second",
    ]


def test_no_netrc_file_adds_a_password(server: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The SDK's transport would send it in place of the signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    transport = PooledTransport()
    transport.send(HttpRequest("GET", server.url, headers={"Authorization": "SharedKey signature"}))
    transport.close()
    assert header(server.heads[0], "authorization") == "SharedKey signature"


def test_a_proxy_that_cannot_be_one_is_said_at_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://")
    with pytest.raises(ServiceRequestError):
        get(PooledTransport(), "http://account.example/a")


def test_a_client_that_ends_leaves_the_connections_to_the_others(server: Wire) -> None:
    transport = PooledTransport()
    with transport:
        get(transport, server.url)
    get(transport, server.url)
    assert server.connections == 1
    transport.close()
    get(transport, server.url)
    transport.close()
    assert server.connections == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (wire.ConnectTimeoutError(), ServiceRequestTimeoutError),
        (wire.NameResolutionError("host", urllib3.connection.HTTPConnection("host"), socket.gaierror()), None),
        (wire.ProxyError("refused", OSError()), None),
        (wire.SSLError("no"), None),
        (wire.ReadTimeoutError(urllib3.HTTPConnectionPool("host"), "/", "late"), ServiceResponseTimeoutError),
        (wire.ProtocolError("reset"), ServiceResponseError),
        (wire.DecodeError("no gzip"), DecodeError),
    ],
)
def test_an_error_of_the_wire_is_one_of_the_sdks(error: wire.HTTPError, expected: type[AzureError] | None) -> None:
    assert type(translated(error)) is (expected or ServiceRequestError)


def blobs(server: Wire, transport: HttpTransport[Any, Any]) -> BlobServiceClient:
    text = f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={KEY};BlobEndpoint={server.url}/account"
    return BlobServiceClient.from_connection_string(
        text, transport=transport, retry_policy=LinearRetry(backoff=0, retry_total=2, random_jitter_range=0)
    )


HEADERS = ('ETag: "0x1"', "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "x-ms-blob-type: BlockBlob")


def test_the_sdk_repeats_what_was_not_answered(server: Wire, new_transport: NewTransport) -> None:
    server.answers = [HANG_UP, answer(b"busy", status="503 Service Unavailable"), answer(b"", *HEADERS)]
    client = blobs(server, new_transport()).get_blob_client("documents", "a.txt")
    assert client.get_blob_properties().etag == '"0x1"'
    assert len(server.heads) == 3


def test_the_sdk_reads_a_download_again_that_broke_off(
    server: Wire, new_transport: NewTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azure.storage.blob._download.time.sleep", lambda _: None)
    ranged = ("Content-Range: bytes 0-4/5", *HEADERS)
    server.answers = [
        answer(b"ha", *ranged, status="206 Partial Content", length=5),
        answer(b"whole", *ranged, status="206 Partial Content"),
    ]
    client = blobs(server, new_transport()).get_blob_client("documents", "a.txt")
    assert client.download_blob().readall() == b"whole"
    assert len(server.heads) == 2
