"""What every use case of training is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.config import Settings
from shared.language.client import LanguageClient
from shared.pipeline.context import Pipeline
from shared.storage.ports import BlobStore, MessageQueue
from shared.training.active_model import StoredActiveModel


@dataclass(frozen=True)
class Training:
    """The pipeline's stores, the operations queue, and any container by its name."""

    pipeline: Pipeline
    operations_queue: MessageQueue
    active_model: StoredActiveModel
    open_container: Callable[[str], BlobStore]

    @property
    def settings(self) -> Settings:
        return self.pipeline.settings

    @property
    def state(self) -> BlobStore:
        return self.pipeline.state

    @property
    def language(self) -> LanguageClient:
        return self.pipeline.language

    def now(self) -> datetime:
        return self.pipeline.clock()
