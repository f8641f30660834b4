"""A certificate made at start, for clients that refuse to send a bearer token over plain http."""

from __future__ import annotations

from pathlib import Path

import trustme


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback and its private key, as PEM files. Clients trust the first one.

    It holds the server's certificate and that of the authority, made at the same time, that signed it.
    """
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "certificate.pem", folder / "private-key.pem"
    certificate.write_bytes(b"".join(part.bytes() for part in [*issued.cert_chain_pems, authority.cert_pem]))
    key.touch(mode=0o600)
    key.write_bytes(issued.private_key_pem.bytes())
    return certificate, key
