"""`python -m language_emulator`: the emulator as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from language_emulator.server import bind, build_server, server_url
from language_emulator.settings import EmulatorSettings, parse_settings


def main() -> None:
    settings = parse_settings(sys.argv[1:], os.environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It logs each storage call with its address.
    logging.getLogger("azure").setLevel(logging.WARNING)
    asyncio.run(serve(settings))


async def serve(settings: EmulatorSettings) -> None:
    """Run until a signal; the one line on standard output tells that requests are answered."""
    with bind(settings) as listener, TemporaryDirectory(prefix="language-emulator-") as scratch:
        built = build_server(settings, Path(scratch))
        server = built.server
        if built.certificate is not None:
            logging.getLogger(__name__).info("certificate_written path=%s", built.certificate)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            print(f"Language emulator listening on {server_url(settings, listener)}", flush=True)
        await serving


if __name__ == "__main__":
    main()
