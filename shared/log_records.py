"""Every log record of this process without keys, tokens and signatures, whoever writes it.

A library's error may hold the address it called, with a signature in it, and a traceback quotes it. The host's handler
formats records by itself, so the record is made harmless when it is made.
"""

from __future__ import annotations

import logging
from typing import Any

from shared.redaction import without_secrets

_FORMATTER = logging.Formatter()


class _HarmlessRecord(logging.LogRecord):
    """Its message, arguments and traceback hold no secret that has the form of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            message = self.getMessage()
        except (TypeError, ValueError):
            return  # the handler reports arguments that do not fit
        harmless = without_secrets(message)
        if harmless != message:
            self.msg, self.args = harmless, ()
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = without_secrets(_FORMATTER.formatException(self.exc_info))


def hide_secrets() -> None:
    """From now on, for every logger of the process."""
    logging.setLogRecordFactory(_HarmlessRecord)
