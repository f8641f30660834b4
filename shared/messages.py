"""Queue messages: a base with a schema number, and the one that drives every durable record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Delays are reckoned from them, which overflows somewhere far beyond. Two years of one look a minute.
MAX_COUNT = 1_000_000


class Message(BaseModel):
    """Base of all messages. Unknown fields are refused, so that a newer sender is noticed.

    Messages are small: never a URL, a text or a result.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1

    def to_text(self) -> str:
        return self.model_dump_json(by_alias=True)


class StepMessage(Message):
    """Queues `batches` and `operations`: take the next step of the record `id`.

    `polls` counts the looks at what the step waits for, `failures_in_a_row` the steps that ended in a RetryableError;
    both only choose the next delay, and stop at MAX_COUNT.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-z-]{1,64}$")]
    polls: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0
    failures_in_a_row: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0
