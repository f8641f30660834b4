"""Microsoft's own client, azure-ai-textanalytics, unmodified, as judge of the emulator's GA runtime API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.ai.textanalytics import (
    ClassifyDocumentResult,
    DocumentError,
    MultiLabelClassifyAction,
    SingleLabelClassifyAction,
    TextAnalyticsApiVersion,
    TextAnalyticsClient,
)
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)

from azurite_process.azurite import Azurite
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings, PartialWord
from language_emulator.testing.analyze_text import GeneralAvailability
from language_emulator.testing.corpus import DOCUMENTS, upload_corpus

TEXTS = list(DOCUMENTS.values())
MULTI: dict[str, Any] = {"project_name": "sdktickets", "deployment_name": "production"}
SINGLE: dict[str, Any] = {"project_name": "sdkmail", "deployment_name": "production"}


@pytest.fixture(scope="module")
def emulator(azurite: Azurite) -> Iterator[RunningEmulator]:
    storage = azurite.connection_string
    upload_corpus(storage, "sdktickets", single_label=False)
    upload_corpus(storage, "sdkmail", single_label=True)
    with running_emulator(EmulatorSettings(storage=storage)) as running:
        ga = GeneralAvailability(running.url, running.settings.key)
        ga.deployed("sdktickets", "sdktickets", "multi")
        ga.deployed("sdkmail", "sdkmail", "single")
        ga.http.close()
        yield running


@pytest.fixture
def control(emulator: RunningEmulator) -> Iterator[GeneralAvailability]:
    """Faults and progression, put back afterwards."""
    ga = GeneralAvailability(emulator.url, emulator.settings.key)
    yield ga
    ga.control("DELETE", "faults")
    ga.control("PUT", "progression", {"analysis": "immediate"})
    ga.http.close()


@pytest.fixture
def client(emulator: RunningEmulator, control: GeneralAvailability) -> Iterator[TextAnalyticsClient]:
    with TextAnalyticsClient(emulator.url, AzureKeyCredential(emulator.settings.key)) as sdk:
        yield sdk


def _results(poller: Any) -> list[Any]:
    return list(poller.result())


def _categories(result: ClassifyDocumentResult) -> list[str]:
    return [entry.category for entry in result.classifications]


def test_single_label_documents_get_one_class_each(client: TextAnalyticsClient) -> None:
    results = _results(client.begin_single_label_classify(TEXTS, **SINGLE, polling_interval=0))
    assert [_categories(result) for result in results] == [[name] for name in DOCUMENTS]
    assert [result.id for result in results] == ["0", "1", "2"]
    assert all(0 < result.classifications[0].confidence_score <= 1 for result in results)


@pytest.mark.parametrize("version", [TextAnalyticsApiVersion.V2022_05_01, TextAnalyticsApiVersion.V2023_04_01])
def test_multi_label_documents_get_any_number_of_classes(
    emulator: RunningEmulator, version: TextAnalyticsApiVersion
) -> None:
    both = f"{DOCUMENTS['billing']} {DOCUMENTS['delivery']}"
    with TextAnalyticsClient(emulator.url, AzureKeyCredential(emulator.settings.key), api_version=version) as sdk:
        results = _results(sdk.begin_multi_label_classify([both, "zzz"], **MULTI, polling_interval=0))
    assert set(_categories(results[0])) == {"billing", "delivery"}
    assert _categories(results[1]) == []


def test_more_than_a_page_of_documents_all_come_back_in_order(client: TextAnalyticsClient) -> None:
    results = _results(client.begin_multi_label_classify(["parcel"] * 25, **MULTI, polling_interval=0))
    assert [result.id for result in results] == [str(number) for number in range(25)]


def test_statistics_are_there_when_asked_for(client: TextAnalyticsClient) -> None:
    seen: list[Any] = []
    poller = client.begin_multi_label_classify(
        ["parcel", "x" * 2_500], **MULTI, show_stats=True, polling_interval=0, raw_response_hook=seen.append
    )
    results = _results(poller)
    assert [result.statistics.transaction_count for result in results] == [1, 3]
    assert results[1].statistics.character_count == 2_500
    without = _results(client.begin_multi_label_classify(["parcel"], **MULTI, polling_interval=0))
    assert without[0].statistics is None


def test_a_bad_document_is_a_document_error_in_its_place(client: TextAnalyticsClient) -> None:
    first, second, third = _results(
        client.begin_multi_label_classify(["parcel", " ", "invoice"], **MULTI, polling_interval=0)
    )
    assert isinstance(second, DocumentError)
    assert second.error.code == "InvalidDocument"
    assert (first.is_error, second.id, third.is_error) == (False, "1", False)


def test_several_actions_over_the_same_documents(client: TextAnalyticsClient) -> None:
    poller: Any = client.begin_analyze_actions(
        TEXTS,
        display_name="both kinds",
        actions=[SingleLabelClassifyAction(**SINGLE), MultiLabelClassifyAction(**MULTI)],
        polling_interval=0,
    )
    results = list(poller.result())
    assert [len(document) for document in results] == [2, 2, 2]
    assert poller.details["display_name"] == "both kinds"


def test_partial_completion_gives_errors_for_the_failed_action_only(
    client: TextAnalyticsClient, control: GeneralAvailability
) -> None:
    control.inject("submit_analysis", {"kind": "fail_task", "index": 1, "message": "out of order"})
    poller = client.begin_analyze_actions(
        ["parcel", "invoice"],
        actions=[SingleLabelClassifyAction(**SINGLE), MultiLabelClassifyAction(**MULTI)],
        polling_interval=0,
    )
    results = [list(document) for document in poller.result()]
    assert [[answer.is_error for answer in document] for document in results] == [[False, True], [False, True]]
    refused = results[0][1]
    assert isinstance(refused, DocumentError)
    assert "out of order" in refused.error.message


def test_the_other_word_for_partial_completion_is_read_too(azurite: Azurite, emulator: RunningEmulator) -> None:
    settings = EmulatorSettings(storage=azurite.connection_string, partial_word=PartialWord.SUCCEEDED)
    with running_emulator(settings) as other:
        ga = GeneralAvailability(other.url, settings.key)
        ga.deployed("sdktickets", "sdktickets", "multi", count=12)
        ga.inject("submit_analysis", {"kind": "fail_task", "index": 1, "message": "out of order"})
        ga.http.close()
        with TextAnalyticsClient(other.url, AzureKeyCredential(settings.key)) as sdk:
            actions = [MultiLabelClassifyAction(**MULTI)] * 2
            poller = sdk.begin_analyze_actions(["parcel"], actions=actions, polling_interval=0)
            [answers] = [list(document) for document in poller.result()]
    assert poller.status() == "partiallySucceeded"
    assert [answer.is_error for answer in answers] == [False, True]


def test_a_document_in_an_unknown_language_is_a_document_error(client: TextAnalyticsClient) -> None:
    documents = [{"id": "1", "language": "en", "text": "parcel"}, {"id": "2", "language": "xx", "text": "parcel"}]
    first, second = _results(client.begin_multi_label_classify(documents, **MULTI, polling_interval=0))
    assert (first.is_error, second.is_error) == (False, True)
    assert second.error.code == "UnsupportedLanguageCode"


def test_a_failed_job_raises_with_its_reason(client: TextAnalyticsClient, control: GeneralAvailability) -> None:
    control.inject("submit_analysis", {"kind": "fail_job", "code": "InternalServerError", "message": "melted"})
    with pytest.raises(HttpResponseError, match="melted"):
        client.begin_multi_label_classify(["parcel"], **MULTI, polling_interval=0).result()


def test_polling_goes_on_until_the_job_has_ended(client: TextAnalyticsClient, control: GeneralAvailability) -> None:
    control.control("PUT", "progression", {"analysis": "after 3 reads"})
    control.control("DELETE", "requests")
    poller = client.begin_multi_label_classify(["parcel"], **MULTI, polling_interval=0)
    assert len(_results(poller)) == 1
    assert poller.status() == "succeeded"
    assert control.control("GET", "requests")["operations"]["get_analysis"] == {"200": 4}


def test_a_running_job_can_be_cancelled_and_a_finished_one_cannot(
    client: TextAnalyticsClient, control: GeneralAvailability
) -> None:
    control.control("PUT", "progression", {"analysis": "after 50 reads"})
    poller = client.begin_multi_label_classify(["parcel"], **MULTI, polling_interval=1)
    poller.cancel()
    results = _results(poller)
    assert poller.status() == "cancelled"
    assert [(result.id, result.is_error) for result in results] == [("0", True)]
    assert "cancelled" in results[0].error.message
    with pytest.raises(HttpResponseError, match="already ended"):
        poller.cancel()


def test_a_continuation_token_resumes_in_another_client(client: TextAnalyticsClient, emulator: RunningEmulator) -> None:
    token = client.begin_multi_label_classify(["parcel"] * 22, **MULTI, polling_interval=0).continuation_token()
    with TextAnalyticsClient(emulator.url, AzureKeyCredential(emulator.settings.key)) as another:
        resumed = another.begin_multi_label_classify(None, **MULTI, continuation_token=token, polling_interval=0)
        assert len(_results(resumed)) == 22


def test_a_429_with_retry_after_is_waited_for_and_repeated(
    client: TextAnalyticsClient, control: GeneralAvailability
) -> None:
    control.control("DELETE", "requests")
    control.inject("submit_analysis", {"kind": "status", "status": 429, "retryAfter": "0"}, count=2)
    assert len(_results(client.begin_multi_label_classify(["parcel"], **MULTI, polling_interval=0))) == 1
    assert control.control("GET", "requests")["operations"]["submit_analysis"] == {"202": 1, "429": 2}


def test_a_429_without_retry_after_raises_at_once(client: TextAnalyticsClient, control: GeneralAvailability) -> None:
    control.inject("submit_analysis", {"kind": "status", "status": 429})
    with pytest.raises(HttpResponseError) as refusal:
        client.begin_multi_label_classify(["parcel"], **MULTI)
    assert refusal.value.status_code == 429


def test_a_wrong_key_is_an_authentication_error(emulator: RunningEmulator) -> None:
    with (
        TextAnalyticsClient(emulator.url, AzureKeyCredential("wrong")) as sdk,
        pytest.raises(ClientAuthenticationError, match="subscription key"),
    ):
        sdk.begin_multi_label_classify(["parcel"], **MULTI)


@pytest.mark.parametrize("missing", [{"project_name": "absent"}, {"deployment_name": "absent"}])
def test_an_unknown_project_or_deployment_is_not_found(client: TextAnalyticsClient, missing: dict[str, Any]) -> None:
    with pytest.raises(ResourceNotFoundError, match="absent"):
        client.begin_multi_label_classify(["parcel"], **(MULTI | missing))


def test_too_many_documents_are_refused_with_the_limit(client: TextAnalyticsClient) -> None:
    with pytest.raises(HttpResponseError, match="25 are allowed"):
        client.begin_multi_label_classify(["parcel"] * 26, **MULTI)


class _EmulatorToken:
    """A credential whose tokens come from the emulator's issuer."""

    def __init__(self, control: GeneralAvailability, role: str) -> None:
        self._control = control
        self._role = role

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        minted = self._control.control("GET", f"token?role={self._role}")
        return AccessToken(minted["access_token"], int(minted["expires_on"]))


def test_a_bearer_token_works_over_tls_and_is_never_sent_over_http(
    azurite: Azurite, emulator: RunningEmulator, control: GeneralAvailability, tmp_path: Any
) -> None:
    settings = EmulatorSettings(storage=azurite.connection_string, require_token=True, tls=True, certificates=tmp_path)
    with running_emulator(settings) as secured:
        ga = GeneralAvailability(secured.url, settings.key, verify=str(secured.certificate))
        ga.http.headers["Authorization"] = "Bearer " + ga.control("GET", "token?role=owner")["access_token"]
        ga.deployed("sdktickets", "sdktickets")
        credential = _EmulatorToken(ga, "reader")
        with TextAnalyticsClient(secured.url, credential, connection_verify=str(secured.certificate)) as sdk:
            assert len(_results(sdk.begin_multi_label_classify(TEXTS, **MULTI, polling_interval=0))) == 3
        ga.http.close()
    with (
        TextAnalyticsClient(emulator.url, _EmulatorToken(control, "reader")) as sdk,
        pytest.raises(ServiceRequestError, match="TLS"),
    ):
        sdk.begin_multi_label_classify(TEXTS, **MULTI)
