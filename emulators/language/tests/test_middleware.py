"""What stands in front of every operation: keys, versions, rate limits, headers, links."""

from __future__ import annotations

import logging

import pytest

from language_emulator.testing.corpus import DOCUMENTS
from language_emulator.testing.text_authoring_2021 import ANALYZE, AUTHORING, Preview, error_of
from tests.conftest import Emulated, Start, Trained


@pytest.mark.parametrize("key", ["wrong", "", "emulator-keys", "Emulator-Key"])
def test_a_wrong_key_is_refused_on_both_apis(emulated: Emulated, key: str) -> None:
    for path in (f"{AUTHORING}/projects/p", f"{ANALYZE}/jobs/1"):
        response = emulated.preview.http.get(path, headers={"Ocp-Apim-Subscription-Key": key})
        assert error_of(response, 401)["code"] == "401"
        assert "retry-after" not in response.headers


def test_answers_carry_the_headers_recorded_from_the_service(emulated: Emulated) -> None:
    for response in (emulated.preview.project("absent"), emulated.preview.create("tickets", "tickets")):
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert {"apim-request-id", "x-envoy-upstream-service-time", "strict-transport-security"} <= set(
            response.headers
        )


def test_an_unknown_version_names_the_supported_ones(emulated: Emulated) -> None:
    paths = {
        "/language/text/authoring/v1.0-preview.1/projects/p": "v1.0-preview.2",
        "/text/analytics/v3.1/analyze/jobs/1": "v3.1-preview.ct.1",
    }
    for path, supported in paths.items():
        assert supported in error_of(emulated.preview.http.get(path), 404)["message"]


def test_an_operation_of_another_feature_is_501_with_a_type_of_its_own(emulated: Emulated) -> None:
    response = emulated.preview.http.post("/text/analytics/v3.1/sentiment", json={})
    assert error_of(response, 501)["code"] == "NotImplementedByEmulator"


def test_an_address_of_nothing_is_404_and_a_wrong_method_405(emulated: Emulated) -> None:
    assert error_of(emulated.preview.http.get("/favicon.ico"), 404)["code"] == "NotFound"
    error_of(emulated.preview.http.put(f"{AUTHORING}/projects/p"), 405)


def test_over_the_rate_limit_requests_are_told_how_long_to_wait(start: Start) -> None:
    emulated = start(requests_per_minute=2, authoring_requests_per_minute=1)
    preview = emulated.preview
    first, second = (preview.http.get(f"{ANALYZE}/jobs/1") for _ in range(2))
    assert (first.status_code, second.status_code) == (404, 404)
    emulated.clock.advance(seconds=20)
    refused = preview.http.get(f"{ANALYZE}/jobs/1")
    assert error_of(refused, 429)["code"] == "429"
    assert "40 seconds" in error_of(refused, 429)["message"]
    assert refused.headers["retry-after"] == "40"
    assert preview.project("p").status_code == 404
    assert preview.project("p").status_code == 429
    emulated.clock.advance(seconds=40)
    assert preview.http.get(f"{ANALYZE}/jobs/1").status_code == 404


def test_links_are_built_on_the_host_the_client_called_or_on_the_external_url(trained: Trained, start: Start) -> None:
    response = trained.preview.http.post(
        f"{AUTHORING}/projects/tickets/publish",
        json={"tasks": [{"trainingModelName": "model1"}]},
        headers={"Host": "language.test:81"},
    )
    assert response.headers["location"].startswith(f"http://language.test:81{AUTHORING}/projects/tickets/publish/jobs/")
    emulated = start(external_url="https://public.test/")
    emulated.preview.create("few", "few")
    assert emulated.preview.train("few").headers["location"].startswith(f"https://public.test{AUTHORING}/")


def test_neither_key_nor_text_is_logged(trained: Trained, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    trained.preview.results(trained.multi, ["secretword " + DOCUMENTS["billing"]])
    stranger = Preview(trained.url, "stolen-key")
    stranger.analyze(trained.multi, ["secretword"])
    stranger.http.close()
    emulator_lines = [record.getMessage() for record in caplog.records if record.name.startswith("language_emulator.")]
    assert any("job_accepted" in line for line in emulator_lines)
    assert not any(word in line for line in emulator_lines for word in ("secretword", "emulator-key", "stolen-key"))
