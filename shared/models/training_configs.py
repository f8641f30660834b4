"""The training configuration of the next training: the setting's, else the newest that the service lists as valid."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from shared.errors import LanguageRefusedError, MalformedAnswerError, UnsupportedOperationError
from shared.language.apis.base import LanguageApi
from shared.language.authoring_values import TrainingConfig
from shared.language.client import LanguageClient
from shared.language.values import ProjectKind

log = logging.getLogger("pigeonhole.models")


@dataclass(frozen=True)
class TrainingConfigs:
    """`pinned` is the setting LANGUAGE_TRAINING_CONFIG."""

    language: LanguageClient
    pinned: str | None
    clock: Callable[[], datetime]

    def choose(self, api: LanguageApi, kind: ProjectKind) -> TrainingConfig | None:
        """With the day it expires, where the service lists it. None: the API version has none, or its own default.

        Raises a RetryableError where the service cannot be asked now.
        """
        try:
            listed = self.language.send_pages(lambda page: api.list_training_configs(kind, page=page))
        except UnsupportedOperationError:
            return None
        except (LanguageRefusedError, MalformedAnswerError) as error:
            log.info("training_configs_unknown api=%s: %s", api.api_version, type(error).__name__)
            listed = []
        if self.pinned is None:
            return choose_training_config(listed, today=self.clock().date())
        return next((each for each in listed if each.version == self.pinned), TrainingConfig(self.pinned, None))


def choose_training_config(listed: Iterable[TrainingConfig], *, today: date) -> TrainingConfig | None:
    """The newest, by its name, which is a date; an expired one only where there is no other."""
    known = list(listed)
    current = [each for each in known if each.expires is None or each.expires > today]
    return max(current or known, key=lambda each: each.version, default=None)
