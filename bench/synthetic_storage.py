"""A blob and queue service that holds any number of documents, because it makes them up: over real HTTP, in a process
of its own, as far as a walk of reconcile needs it. Azurite would take hours to hold a million.

Listings come in pages of 5,000 with markers, in Azure's XML with every element that Azure gives. Documents are called
`letters/NNNNNNNNN.txt`; one of a hundred has a failure record, the others a classification. Small blobs are kept.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PAGE = 5_000
ONE_FAILS_OF = 100
MODIFIED = "Sun, 01 Mar 2026 12:00:00 GMT"
_BLOB = (
    "<Blob><Name>{name}</Name><Properties><Creation-Time>" + MODIFIED + "</Creation-Time><Last-Modified>" + MODIFIED
    + "</Last-Modified><Etag>0x8DC{number:012X}</Etag><Content-Length>2048</Content-Length>"
    "<Content-Type>text/plain</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 />"
    "<Content-MD5>mZFLkyvTelC5g8XnyQrpOw==</Content-MD5><Cache-Control /><Content-Disposition />"
    "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
    "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
    "</Properties>{metadata}<OrMetadata /></Blob>"
)  # fmt: skip
_METADATA = (
    "<Metadata><etag>&quot;0x8DC{number:012X}&quot;</etag><modified>2026-03-01T12:00:00Z</modified><size>2048</size>"
    "<batch>0123456789abcdef0123456789abcdef</batch><planned>2026-03-01T12:00:00Z</planned>"
    "<model>first</model></Metadata>"
)


def connection_string(port: int) -> str:
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint={address};QueueEndpoint={address};"
    )


def listing(container: str, documents: int, query: dict[str, list[str]]) -> bytes:
    """One page of a container's listing."""
    start = int(query.get("marker", ["0"])[0] or 0)
    every = ONE_FAILS_OF if container == "failures" else 1
    suffix = ".txt" if container == "documents" else ".txt.json"
    with_metadata = "metadata" in query.get("include", [""])[0]
    blobs: list[str] = []
    number = start
    while number < documents and len(blobs) < PAGE:
        if container != "classifications" or number % ONE_FAILS_OF:
            metadata = _METADATA.format(number=number) if with_metadata else ""
            blobs.append(_BLOB.format(name=f"letters/{number:09}{suffix}", number=number, metadata=metadata))
        number += every
    marker = f"<NextMarker>{number}</NextMarker>" if number < documents else "<NextMarker />"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{container}"><Blobs>'
        f"{''.join(blobs)}</Blobs>{marker}</EnumerationResults>"
    ).encode()


class SyntheticServer(ThreadingHTTPServer):
    """Makes up `documents` documents and their records; keeps every other blob."""

    def __init__(self, documents: int) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.documents = documents
        self.kept: dict[str, tuple[bytes, str]] = {}
        self.writes = 0


class Answers(BaseHTTPRequestHandler):
    """The calls that a walk makes."""

    protocol_version = "HTTP/1.1"
    server: SyntheticServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query, path = parse_qs(parts.query), parts.path
        if query.get("comp") == ["list"]:
            self.list(path.split("/")[2], query)
        elif path.endswith("/messages"):
            self.answer(200, b"<QueueMessagesList></QueueMessagesList>")
        elif path in self.server.kept:
            data, etag = self.server.kept[path]
            self.answer(206, data, {"ETag": etag, "Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"})
        else:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"})

    def list(self, container: str, query: dict[str, list[str]]) -> None:
        count = self.server.documents if container in ("documents", "classifications", "failures") else 0
        self.answer(200, listing(container, count, query))

    def do_HEAD(self) -> None:
        path = urlsplit(self.path).path
        if path in self.server.kept:
            self.answer(200, b"", {"ETag": self.server.kept[path][1]})
        else:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"})

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        known, expected = self.server.kept.get(path), self.headers.get("If-Match")
        if (self.headers.get("If-None-Match") and known) or (expected and (known is None or known[1] != expected)):
            self.answer(412, b"", {"x-ms-error-code": "ConditionNotMet"})
            return
        self.server.writes += 1
        self.server.kept[path] = data, f'"0x{self.server.writes:X}"'
        self.answer(201, b"", {"ETag": self.server.kept[path][1]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        times = f"<InsertionTime>{MODIFIED}</InsertionTime><ExpirationTime>{MODIFIED}</ExpirationTime>"
        receipt = f"<PopReceipt>r</PopReceipt><TimeNextVisible>{MODIFIED}</TimeNextVisible>"
        message = f"<QueueMessage><MessageId>m</MessageId>{times}{receipt}</QueueMessage>"
        self.answer(201, f"<QueueMessagesList>{message}</QueueMessagesList>".encode())

    def do_DELETE(self) -> None:
        self.answer(202 if self.server.kept.pop(urlsplit(self.path).path, None) else 404, b"")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fixed = {"Content-Type": "application/xml", "Content-Length": str(len(body)), "Last-Modified": MODIFIED}
        for name, value in (fixed | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def serve(documents: int, tell: Connection) -> None:
    """Answer until this process is ended; `tell` is sent the port."""
    with SyntheticServer(documents) as server:
        tell.send(server.server_port)
        server.serve_forever()


@contextmanager
def synthetic_storage(documents: int) -> Iterator[str]:
    """The connection string of a service with that many documents."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(documents, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(60):
            raise TimeoutError("the synthetic storage did not start")
        yield connection_string(ours.recv())
    finally:
        process.terminate()
        process.join()


def peak_memory_mb(*, reset: bool = False) -> float:
    """The most that this process held since the last reset, in MB (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
