"""What libraries may say in our log. The host files every record of an app under one category, so host.json cannot."""

from __future__ import annotations

import logging

# Each logs every request it sends, with its address, at INFO.
_TALKATIVE = ("azure", "httpx", "httpcore", "urllib3", "msal")


def quiet_libraries() -> None:
    """Only warnings of the client libraries; our own loggers are below `pigeonhole`."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
