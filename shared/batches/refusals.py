"""Whether a refusal is about these documents, or about every request to the model.

A 4xx does not say: an expired deployment and one odd document get the same 400. So a text that any model classifies is
submitted in the documents' place. Is it refused as well, no document is to blame: the batch waits as it does without a
model, and so does every later one without a POST of its own, until a probe is accepted or another model is in use.
See docs/decisions/0015-whose-refusal.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import LanguageNotFoundError, LanguageRefusedError, MalformedAnswerError
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.language.probe import submit_probe
from shared.language.values import ModelRef
from shared.models.active_model import Active

log = logging.getLogger("pigeonhole.batches")

# While a model is refused, each process asks this often whether it still is.
ASK_AGAIN = timedelta(minutes=1)
# A refused batch of several documents is halved without a probe when a request was accepted this lately. A document
# that is refused alone never ends without a probe of its own.
ACCEPTED_FOR = timedelta(minutes=1)
_DOCUMENT_CODES = frozenset({"InvalidDocument", "InvalidDocumentBatch"})
_TOO_LARGE = 413


@dataclass
class _Refused:
    """`cause` is what was refused how: while it stays the same, so does what people read."""

    cause: tuple[int, str]
    why: str
    ask_at: datetime


@dataclass
class Refusals:
    """What this process knows of models whose every request is refused. Safe to share between threads."""

    language: LanguageClient
    clock: Callable[[], datetime]
    _refused: dict[ModelRef, _Refused] = field(default_factory=dict)
    _accepted: dict[ModelRef, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find_reason(self, active: Active, *, api_version: str) -> str | None:
        """Why no request to the model is accepted, or None as far as is known.

        Asks the service again when the last answer is old; only the caller that asks waits for the answer. Raises a
        RetryableError when it gives none.
        """
        with self._lock:
            known, now = self._refused.get(active.model), self.clock()
            if known is None:
                return None
            if now < known.ask_at:
                return known.why
            known.ask_at = now + ASK_AGAIN
        refusal = self._probe(active.model, api_version=api_version)
        return None if refusal is None else self._note(active, refusal)

    def judge(self, error: LanguageRefusedError, active: Active, *, api_version: str, alone: bool) -> str | None:
        """Why no request to the model is accepted; None when `error` is about the documents that were sent.

        `alone`: one document was sent, so that this refusal would be its end.
        """
        if is_about_the_model(error):
            return self._note(active, error)
        if _is_about_a_document(error):
            return None
        accepted_at = self._accepted.get(active.model)
        is_accepted = accepted_at is not None and self.clock() - accepted_at < ACCEPTED_FOR
        if is_accepted and not alone:
            return None
        if not is_accepted and active.has_expired(self.clock().date()):
            return self._note(active, error)
        refusal = self._probe(active.model, api_version=api_version)
        return None if refusal is None else self._note(active, refusal)

    def accepted(self, model: ModelRef) -> None:
        """A request to the model was accepted."""
        with self._lock:
            was_refused = self._refused.pop(model, None)
            self._accepted = {model: self.clock()}
        if was_refused:
            log.info("submissions_accepted model=%s: the service accepts requests again", model.label)

    def _probe(self, model: ModelRef, *, api_version: str) -> LanguageRefusedError | None:
        call = submit_probe(api_for(api_version), model, text_id="probe", display_name="probe of a refused model")
        try:
            self.language.send(call)
        except LanguageRefusedError as error:
            return error
        except MalformedAnswerError:
            # Whatever is wrong with its answer, the service took the request.
            pass
        self.accepted(model)
        return None

    def _note(self, active: Active, error: LanguageRefusedError) -> str:
        cause, now = (error.status_code, error.error_code), self.clock()
        with self._lock:
            self._accepted.pop(active.model, None)
            known = self._refused.get(active.model)
            if known is not None and known.cause == cause:
                known.ask_at = now + ASK_AGAIN
                return known.why
            why = _reason(active, error, expired=active.has_expired(now.date()))
            self._refused[active.model] = _Refused(cause, why, now + ASK_AGAIN)
        log.warning("submissions_refused model=%s: %s", active.model.label, why)
        return why


def _reason(active: Active, error: LanguageRefusedError, *, expired: bool) -> str:
    if is_about_the_model(error):
        return f"the service does not know the model: {error}"
    if expired:
        return f"the deployment {active.model.reference!r} expired on {active.expires}; publish a model ({error})"
    return (
        f"the service refuses every request to the model {active.model.label!r}, whatever the text: {error}; "
        "publish a model, or check LANGUAGE_API and the service"
    )


def is_about_the_model(error: LanguageRefusedError) -> bool:
    """404, or a refusal that points at the task, not at a document: what an unknown model gets is not documented."""
    return isinstance(error, LanguageNotFoundError) or (error.target or "").startswith("#/tasks/")


def _is_about_a_document(error: LanguageRefusedError) -> bool:
    """The service points at a document, or says that the request is too large."""
    return (
        error.status_code == _TOO_LARGE or error.error_code in _DOCUMENT_CODES or "/documents" in (error.target or "")
    )
