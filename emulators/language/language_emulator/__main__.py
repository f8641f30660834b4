"""`language-emulator`, or `python -m language_emulator`: the emulator as a process of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

from language_emulator.data_lock import DataTakenError, lock_data
from language_emulator.server import bind, build_server, server_url
from language_emulator.settings import EmulatorSettings, parse_settings


def main(argv: Sequence[str] | None = None) -> None:
    settings = parse_settings(sys.argv[1:] if argv is None else argv, os.environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It logs each storage call with its address.
    logging.getLogger("azure").setLevel(logging.WARNING)
    # uvicorn raises the signal again after its own end; let that unwind, so that the certificate's folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if settings.data is not None:
            lock_data(settings.data)
        listener = bind(settings)
    except DataTakenError as error:
        sys.exit(f"language-emulator: {error}")
    except OSError as error:
        sys.exit(f"language-emulator: cannot listen on {settings.host}:{settings.port} ({error.strerror})")
    with listener, suppress(KeyboardInterrupt):
        serve(settings, listener)


def serve(settings: EmulatorSettings, listener: socket) -> None:
    """Run until a signal. Standard output tells that requests are answered, and the key if none was given."""
    with TemporaryDirectory(prefix="language-emulator-") as scratch:

        def announce() -> None:
            print(f"Language emulator listening on {server_url(settings, listener)}", flush=True)
            if settings.has_own_key:
                print(f"Key: {settings.key}", flush=True)

        built = build_server(settings, Path(scratch), announce)
        if built.certificate is not None:
            logging.getLogger(__name__).info("certificate_written path=%s", built.certificate)
        built.server.run(sockets=[listener])


if __name__ == "__main__":
    main()
