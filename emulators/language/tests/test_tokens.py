"""Bearer tokens of the emulator's issuer: roles, refusals, and Microsoft's own credential as the client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azure.identity import ManagedIdentityCredential

from language_emulator.testing.analyze_text import GeneralAvailability, project_file
from language_emulator.testing.text_authoring_2021 import error_of
from tests.conftest import Connect, Start

SCOPE = "https://cognitiveservices.azure.com/.default"


Call = Callable[..., GeneralAvailability]


@pytest.fixture
def call(connect: Connect) -> Call:
    """Clients that send a minted token and no key."""

    def with_token(url: str, **token: str) -> GeneralAvailability:
        client = connect(url)
        del client.http.headers["Ocp-Apim-Subscription-Key"]
        minted = client.http.get("/_emulator/token", params=token).json()["access_token"]
        client.http.headers["Authorization"] = f"Bearer {minted}"
        return client

    return with_token


def test_each_role_may_do_its_own_and_what_lesser_roles_may(start: Start, call: Call) -> None:
    url = start().url
    reader, writer, owner = (call(url, role=role) for role in ("reader", "writer", "owner"))
    file = project_file("few", "few", "multi", count=8)
    assert error_of(reader.create("few", "few"), 403)["code"] == "Forbidden"
    assert error_of(reader.send("POST", "/few/:import", file), 403)["code"] == "Forbidden"
    assert writer.finish(writer.send("POST", "/few/:import", file))["status"] == "succeeded"
    assert error_of(reader.train("few"), 403)
    assert writer.finish(writer.train("few"))["status"] == "succeeded"
    assert "Language Owner" in error_of(writer.deploy("few"), 403)["message"]
    assert owner.finish(owner.deploy("few"))["status"] == "succeeded"
    assert reader.send("GET", "/few").status_code == 200
    assert reader.exported("few")["status"] == "succeeded"
    assert reader.read(reader.analyze("few", ["parcel"]))["status"] == "succeeded"
    for request in (("DELETE", "/few/models/model1"), ("DELETE", "/few/deployments/production"), ("DELETE", "/few")):
        assert error_of(writer.send(*request), 403)
    assert owner.send("DELETE", "/few").status_code == 202


def test_a_forged_expired_or_foreign_token_is_refused(start: Start, call: Call) -> None:
    emulated = start()
    expiring = call(emulated.url, seconds="60")
    foreign = call(emulated.url, resource="https://storage.azure.com")
    forged = call(start().url)
    forged.http.base_url = emulated.url
    assert expiring.send("GET", "").status_code == 200
    emulated.clock.advance(seconds=61)
    for caller, reason in ((expiring, "expired"), (foreign, "audience"), (forged, "not valid")):
        assert reason in error_of(caller.send("GET", ""), 401)["message"]


def test_keys_can_be_turned_off(start: Start, connect: Connect, call: Call) -> None:
    url = start(require_token=True).url
    keyed, caller = connect(url), call(url)
    assert "key authentication is turned off" in error_of(keyed.send("GET", ""), 401)["message"]
    assert caller.create("tickets", "tickets").status_code == 201


@pytest.mark.parametrize(("client_id", "status"), [("reader", 403), ("owner", 201), (None, 201)])
def test_a_managed_identity_credential_gets_its_tokens_here(
    start: Start, call: Call, monkeypatch: pytest.MonkeyPatch, client_id: str | None, status: int
) -> None:
    url = start().url
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/_emulator/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    with ManagedIdentityCredential(client_id=client_id) as credential:
        token = credential.get_token(SCOPE).token
    caller = call(url)
    caller.http.headers["Authorization"] = f"Bearer {token}"
    assert caller.create("tickets", "tickets").status_code == status
