"""Put dead letters back: each message once more onto its queue, or its documents planned again. A page a message.

A letter is removed after it was put back, so that a crash in between puts it back twice, which costs and loses nothing;
what nothing can be made of stays. Documents that were classified meanwhile drop out when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from shared.concurrency import FanOut
from shared.durable.dead_letters import DeadLetters
from shared.durable.steps import Next
from shared.durable.store import Stored
from shared.operations.operation import (
    Operation,
    RedriveDeadLetters,
    RedriveDeadLettersRequest,
    Step,
)
from shared.operations.operations import Operations, new_id
from shared.operations.service_jobs import page_done
from shared.storage.ports import BlobInfo

# The lock's name, as RECLASSIFY_PROJECT.
DEAD_LETTERS_PROJECT = "~dead-letters"

PutsBack: TypeAlias = Callable[[str, datetime], bool]
"""Takes a dead letter's text and the time of the request; False where nothing can be made of it."""


@dataclass(frozen=True)
class DeadLetterRedrive:
    """Counts, starts and carries out redrives of dead letters. `put_back` is by the queue's name."""

    operations: Operations
    dead_letters: DeadLetters
    fan_out: FanOut
    language_api: str
    put_back: Mapping[str, PutsBack]

    @property
    def table(self) -> Mapping[Step, Callable[[Stored[RedriveDeadLetters]], Next[Operation]]]:
        return {Step.SEND_PAGE: self.send_page}

    def count(self, request: RedriveDeadLettersRequest) -> int:
        """How many are kept: one call for each 5,000."""
        return self.dead_letters.count(request.queue)

    def start(self, request: RedriveDeadLettersRequest) -> Operation:
        """Start putting back. Raises OperationRunningError."""
        now = self.operations.steps.clock()
        return self.operations.start(
            RedriveDeadLetters(
                id=new_id(now),
                created=now,
                due=now,
                project=DEAD_LETTERS_PROJECT,
                api_version=self.language_api,
                step=Step.SEND_PAGE,
                request=request,
                total=self.count(request),
            )
        )

    def send_page(self, stored: Stored[RedriveDeadLetters]) -> Next[Operation]:
        """Put one page back, then save how far it came."""
        operation = stored.record
        page = self.dead_letters.list_page(operation.request.queue, token=operation.token)
        done = self.fan_out(lambda info: self._put_back(info, requested=operation.created), page.infos)
        sent, steps = sum(done), self.operations.steps
        return page_done(steps, stored, page, sent=sent, skipped=len(done) - sent, done="put back", left="{} stay")

    def _put_back(self, info: BlobInfo, *, requested: datetime) -> bool:
        letter = self.dead_letters.read(info.name)
        put_back = self.put_back.get(letter.queue) if letter else None
        if letter is None or put_back is None or not put_back(letter.text, requested):
            return False
        self.dead_letters.remove(info)
        return True
