"""How long the deployment in use and the training configuration last, as the service says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.errors import LanguageRefusedError, PigeonholeError
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.client import LanguageClient
from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import ActiveModelStore
from shared.models.training_configs import TrainingConfigs

# The dates change by the year, and each question costs authoring requests, of which there are a hundred a minute.
ASK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Expiry:
    """A deployment or a training configuration; `expires` is None where it does not, or where that is not known."""

    name: str
    expires: date | None = None

    def days_left(self, today: date) -> int | None:
        """0 or less once it has expired."""
        return None if self.expires is None else (self.expires - today).days


@dataclass(frozen=True)
class Expiries:
    """Both are None where the API version has none; the deployment also while no model is in use."""

    deployment: Expiry | None
    training_config: Expiry | None


class ExpiryCheck:
    """Asks the service once an hour, in each process."""

    def __init__(
        self,
        language: LanguageClient,
        active_model: ActiveModelStore,
        training_configs: TrainingConfigs,
        clock: Callable[[], datetime],
        *,
        language_api: str,
        project: str,
    ) -> None:
        self._language, self._active_model = language, active_model
        self._training_configs, self._clock = training_configs, clock
        self._language_api, self._project = language_api, project
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, Expiry | None]] = {}

    @property
    def _api(self) -> LanguageApi:
        """Not before it is asked for: a start need not pay for the import."""
        return api_for(self._language_api)

    def find(self) -> Expiries:
        """Raises a RetryableError where the service cannot be asked now, or the model in use cannot be read."""
        return Expiries(self.find_deployment(), self.find_training_config())

    def find_deployment(self) -> Expiry | None:
        """Of the model in use. The service may have extended what was noted when the model was published."""
        in_use = self._active_model.find()
        record = self._active_model.find_record()
        if in_use is None:
            return None
        api = api_for(in_use.model.api_version or self._api.api_version)
        if api.reference_names_one_model:
            return None
        model, noted = in_use.model, record.expires if record is not None else None
        what = f"deployment {model.project}/{model.reference} of {model.label}, {noted}"
        return self._ask(what, lambda: self._deployment(api, model, noted))

    def _deployment(self, api: LanguageApi, model: ModelRef, noted: date | None) -> Expiry:
        try:
            listed = self._language.send_pages(lambda page: api.list_deployments(model.project, page=page))
        except LanguageRefusedError:
            listed = []
        found = next((each.expires for each in listed if each.name == model.reference), None)
        return Expiry(model.reference, found or noted)

    def find_training_config(self) -> Expiry | None:
        """The one that the next training of the project takes."""
        return self._ask("training configuration", self._training_config)

    def _training_config(self) -> Expiry | None:
        found = self._training_configs.choose(self._api, self._kind())
        return Expiry(found.version, found.expires) if found else None

    def _kind(self) -> ProjectKind:
        """Of the project. Where there is none yet, either kind's list will do."""
        try:
            return self._language.send(self._api.get_project(self._project)).kind
        except LanguageRefusedError:
            return ProjectKind.MULTI

    def _ask(self, what: str, ask: Callable[[], Expiry | None]) -> Expiry | None:
        now = self._clock()
        with self._lock:
            known = self._known.get(what)
        if known is not None and now - known[0] < ASK_AGAIN:
            return known[1]
        found = ask()
        with self._lock:
            self._known = {name: each for name, each in self._known.items() if now - each[0] < ASK_AGAIN}
            self._known[what] = (now, found)
        return found


def find_where_known(find: Callable[[], Expiry | None]) -> Expiry | None:
    """What `find` says; None where it cannot be said now: health names the part that is wrong."""
    try:
        return find()
    except PigeonholeError:
        return None
