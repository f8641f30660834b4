"""Reading queue messages: as a model, or set aside at the first delivery when no retry could make them readable."""

from __future__ import annotations

from typing import TypeVar

import azure.functions as func
from pydantic import ValidationError

from shared.durable.dead_letters import DeadLetters
from shared.messages import Message

M = TypeVar("M", bound=Message)


def read_or_keep(dead_letters: DeadLetters, message: func.QueueMessage, *, queue: str, model: type[M]) -> M | None:
    """The message, or None when it is no `model`: then it is kept as a dead letter, and this delivery is its last."""
    try:
        return model.model_validate_json(message.get_body())
    except ValidationError:
        keep(dead_letters, message, queue=queue, reason=f"not a {model.__name__}")
        return None


def keep(dead_letters: DeadLetters, message: func.QueueMessage, *, queue: str, reason: str) -> None:
    """Keep the message as a dead letter."""
    dead_letters.keep(queue=queue, message_id=str(message.id), body=body_of(message), reason=reason)


def body_of(message: func.QueueMessage) -> str:
    """A message's body as text, whatever it holds."""
    return message.get_body().decode("utf-8", errors="replace")
