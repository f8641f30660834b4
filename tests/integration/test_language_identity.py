"""Our client with managed identities against a Language service that takes no key, over TLS with a certificate of its
own: azure-identity asks a stand-in for App Service's endpoint, which asks the emulator's issuer. test_identity.py in
tests/e2e runs the whole package so; here are the rights, the renewal and the silence."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from language_emulator.clock import ManualClock
from language_emulator.http.tokens import AUDIENCE, Role
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.corpus import CLASSES, DOCUMENTS, july_labels, labelled_texts, upload_corpus
from shared.errors import LanguageAccessError, LanguageUnavailableError, PigeonholeError
from shared.language.apis import api_for
from shared.language.apis.base import Call, LanguageApi
from shared.language.authoring_values import Project
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, LroStatus, ModelRef, ProjectKind, TextInput
from shared.models.labels import parse_labels
from shared.services import Services, build_services
from tests.e2e import identity_endpoint
from tests.e2e.identity_endpoint import IdentityEndpoint, running_identity_endpoint
from tests.fakes import app_settings

# Client ids of the app's two identities, with the roles infra/app/roles.bicep assigns.
READER, OWNER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ROLES = {READER: Role.READER, OWNER: Role.OWNER}
CONTAINER = "identitytickets"
VERSIONS = ("2021-preview", "2023-04-01")


@dataclass
class Place:
    """The service, the endpoint that hands out tokens, and every token it has handed out, by client id."""

    emulator: RunningEmulator
    clock: ManualClock
    azurite: Azurite
    handed_out: list[tuple[str, str]] = field(default_factory=list, repr=False)
    endpoint: IdentityEndpoint | None = None
    life: timedelta = timedelta(hours=1)

    def token(self, client_id: str) -> str:
        token, _ = self.emulator.service.tokens.mint(ROLES[client_id], audience=AUDIENCE, life=self.life)
        self.handed_out.append((client_id, token))
        return token

    def tokens_of(self, client_id: str) -> list[str]:
        return [token for asker, token in self.handed_out if asker == client_id]


@pytest.fixture(scope="module")
def running(azurite: Azurite) -> Iterator[Place]:
    upload_corpus(azurite.connection_string, CONTAINER, single_label=False)
    clock = ManualClock()
    settings = EmulatorSettings(storage=azurite.connection_string, tls=True, require_token=True)
    with running_emulator(settings, clock) as emulator:
        place = Place(emulator, clock, azurite)
        with running_identity_endpoint(place.token) as endpoint:
            place.endpoint = endpoint
            yield place


@pytest.fixture
def place(running: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """With an environment as App Service sets it, and the emulator's certificate trusted."""
    assert running.endpoint is not None
    for name, value in running.endpoint.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", str(running.emulator.certificate))
    running.handed_out.clear()
    running.life = timedelta(hours=1)
    running.emulator.service.reset()
    return running


Build = Callable[..., LanguageClient]


@pytest.fixture
def build(place: Place) -> Iterator[Build]:
    """The app's own wiring, of which only the Language client is used."""
    with ExitStack() as stack:

        def built(**changes: Any) -> LanguageClient:
            identities = {"language_client_id": READER, "language_authoring_client_id": OWNER}
            settings = app_settings(
                **{
                    "data_storage": place.azurite.connection_string,
                    "language_endpoint": place.emulator.url,
                    "language_credential": "identity",
                    "language_key": None,
                    "language_authoring_posts_per_minute": 0,
                    "language_authoring_gets_per_minute": 0,
                    **identities,
                    **changes,
                }
            )
            services: Services = build_services(settings)
            stack.callback(services.close)
            return services.adapters.language

        yield built


PROJECT = Project("tickets", ProjectKind.MULTI, "en-us", CONTAINER, "labels.json")


def import_call(api: LanguageApi) -> Call[str]:
    labels = parse_labels(july_labels(labelled_texts(40, single_label=False)))
    return api.import_labels(PROJECT, labels.classes, labels.documents)


def finish(client: LanguageClient, read: Call[Any]) -> Any:
    found: list[Any] = []

    def has_ended() -> bool:
        found.append(client.send(read))
        return found[-1].status in TERMINAL

    wait_until(has_ended, seconds=60, what=read.request.name)
    assert found[-1].status is LroStatus.SUCCEEDED, found[-1]
    return found[-1]


def train_and_publish(client: LanguageClient, api: LanguageApi) -> ModelRef:
    """Create, train and publish, with the authoring half's calls only."""
    client.send(api.create_project(PROJECT))
    if api.has_deployments:
        finish(client, api.get_import_job("tickets", client.send(import_call(api))))
    finish(client, api.get_training_job("tickets", client.send(api.train("tickets", label="model1"))))
    if api.has_deployments:
        job = client.send(api.deploy("tickets", deployment="production", label="model1"))
        finish(client, api.get_deployment_job("tickets", "production", job))
        reference = "production"
    else:
        job = client.send(api.publish("tickets", label="model1"))
        reference = finish(client, api.get_publishing_job("tickets", job)).model_id
    return ModelRef(project="tickets", kind=ProjectKind.MULTI, reference=reference, label="model1")


def classify(client: LanguageClient, api: LanguageApi, model: ModelRef) -> set[str]:
    texts = [TextInput("0", DOCUMENTS["billing"])]
    job = client.send(api.submit_analyze(texts, model, display_name="d"))
    (text,) = finish(client, api.get_analyze_job(job)).texts
    return {each.name for each in text.classes}


@pytest.mark.parametrize("version", VERSIONS)
def test_one_identity_trains_and_publishes_and_the_other_classifies(place: Place, build: Build, version: str) -> None:
    client, api = build(), api_for(version)
    model = train_and_publish(client, api)
    assert set(dict(place.handed_out)) == {OWNER}
    assert classify(client, api, model) <= set(CLASSES)
    # Two fetches for some twenty calls.
    assert [asker for asker, _ in place.handed_out] == [OWNER, READER]


FORBIDDEN: dict[str, tuple[str, Callable[[LanguageApi], Call[Any]]]] = {
    "create": ("2023-04-01", lambda api: api.create_project(PROJECT)),
    "import": ("2023-04-01", import_call),
    "train": ("2023-04-01", lambda api: api.train("tickets", label="model2")),
    "deploy": ("2023-04-01", lambda api: api.deploy("tickets", deployment="production", label="model1")),
    "swap": ("2023-04-01", lambda api: api.swap("tickets", first="staging", second="production")),
    "delete": ("2023-04-01", lambda api: api.delete_project("tickets")),
    "train in the preview": ("2021-preview", lambda api: api.train("tickets", label="model2")),
    "publish in the preview": ("2021-preview", lambda api: api.publish("tickets", label="model1")),
}


def test_the_classifying_identity_may_read_and_change_nothing(place: Place, build: Build) -> None:
    api = api_for("2023-04-01")
    model = train_and_publish(build(), api)
    reader = build(language_authoring_client_id=None)
    for case, (version, call) in FORBIDDEN.items():
        with pytest.raises(LanguageAccessError, match=r"403 Forbidden: .*; it needs Cognitive Services") as caught:
            reader.send(call(api_for(version)))
        assert caught.value.status_code == 403, case
    assert reader.send(api.get_project("tickets")).name == "tickets"
    assert [each.label for each in reader.send(api.list_models("tickets")).items] == ["model1"]
    assert classify(reader, api, model)


def test_a_token_about_to_expire_is_renewed(place: Place, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_for("2023-04-01")
    model = train_and_publish(build(), api)
    place.handed_out.clear()
    # Less than the five minutes that a token must have left to be used again.
    place.life = timedelta(seconds=200)
    monkeypatch.setattr(identity_endpoint, "LIFE_SECONDS", 200)
    client = build()
    texts = [TextInput("0", DOCUMENTS["billing"])]
    job = client.send(api.submit_analyze(texts, model, display_name="d"))
    place.clock.advance(seconds=201)
    assert client.send(api.get_analyze_job(job)).status is LroStatus.SUCCEEDED
    first, second = place.tokens_of(READER)
    assert first != second


def test_a_token_the_service_finds_expired_is_a_refused_credential(place: Place, build: Build) -> None:
    client, api = build(), api_for("2023-04-01")
    assert client.send(api.create_project(PROJECT)) is None
    # Here the clocks disagree: azure-identity holds the token for good.
    place.clock.advance(seconds=3_601)
    with pytest.raises(LanguageAccessError, match="401 Unauthorized: Access denied: the token has expired"):
        client.send(api.get_project("tickets"))


def test_a_key_is_not_taken(place: Place, build: Build) -> None:
    client = build(language_credential="key", language_key=place.emulator.settings.key)
    with pytest.raises(LanguageAccessError, match="key authentication is turned off"):
        client.send(api_for("2023-04-01").get_project("tickets"))
    assert place.handed_out == []


def test_a_certificate_nobody_vouches_for_gets_no_token(
    place: Place, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(LanguageUnavailableError, match="ConnectError"):
        build().send(api_for("2023-04-01").create_project(PROJECT))
    assert place.emulator.service.requests.shown()["total"] == 0


def test_an_endpoint_that_refuses_is_a_refused_credential(
    place: Place, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "another app's")
    with pytest.raises(LanguageAccessError, match="no token for authoring calls") as caught:
        build().send(api_for("2023-04-01").get_project("tickets"))
    assert "LANGUAGE_AUTHORING_CLIENT_ID" in str(caught.value)


def test_no_token_is_logged_or_told(
    place: Place, build: Build, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    api = api_for("2023-04-01")
    client, reader = build(), build(language_authoring_client_id=None)
    classify(client, api, train_and_publish(client, api))
    told = [repr(client), str(vars(client))]
    try:
        reader.send(api.delete_project("tickets"))
    except PigeonholeError as error:
        told.append("".join(traceback.format_exception(error)))
    place.clock.advance(seconds=3_601)
    try:
        client.send(api.get_project("tickets"))
    except PigeonholeError as error:
        told.append("".join(traceback.format_exception(error)))
    assert len(told) == 4
    assert {logger for logger, *_ in caplog.record_tuples} & {"azure.identity", "httpx", "httpcore.http11"}
    told.append(caplog.text)
    told += [str(record.__dict__) for record in caplog.records]
    assert [asker for asker, _ in place.handed_out] == [OWNER, READER, READER]
    for _, token in place.handed_out:
        # Its claims and its signature, too: either half alone would be of use to somebody.
        for part in (token, *token.split(".")[1:]):
            assert not any(part in text for text in told)
    assert place.endpoint is not None
    assert not any(place.endpoint.header in text for text in told)
