"""Row 18 of the fault matrix: an answer's address never leads elsewhere. Only the job id at its end is kept, and only
when origin and path are the documented ones."""

from __future__ import annotations

import httpx
import pytest

from shared.errors import LanguageNotFoundError, LanguageUnavailableError, MalformedAnswerError
from shared.language.apis.text_authoring_2021 import TextAuthoring2021
from shared.language.client import LanguageClient
from shared.language.values import ModelRef, ProjectKind, TextInput
from tests.unit.language.wire import ENDPOINT, KEY, Network

API = TextAuthoring2021()
MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="id-1", label="model1")
SUBMIT = API.submit_analyze([TextInput("0", "x")], MODEL, display_name="d")
JOBS = "/text/analytics/v3.1-preview.ct.1/analyze/jobs/"
HOST = "contoso.cognitiveservices.azure.com"

FORGED = {
    "another host": f"https://elsewhere.example{JOBS}1",
    "a host that begins alike": f"https://{HOST}.elsewhere.example{JOBS}1",
    "a host that ends alike": f"https://evil{HOST}{JOBS}1",
    "our host as a user name": f"https://{HOST}@elsewhere.example{JOBS}1",
    "our host as a user name with a password": f"https://{HOST}:443@elsewhere.example{JOBS}1",
    "a user name before our host": f"https://someone@{HOST}{JOBS}1",
    "an empty user name": f"https://@{HOST}{JOBS}1",
    "http": f"http://{HOST}{JOBS}1",
    "http on the https port": f"http://{HOST}:443{JOBS}1",
    "another port": f"https://{HOST}:8443{JOBS}1",
    "a port that is none": f"https://{HOST}:99999{JOBS}1",
    "a port in words": f"https://{HOST}:https{JOBS}1",
    "another scheme": f"ftp://{HOST}{JOBS}1",
    "a file": f"file://{HOST}{JOBS}1",
    "no scheme": f"//{HOST}{JOBS}1",
    "no host": f"https://{JOBS}1",
    "only a path": f"{JOBS}1",
    "an address of this machine": f"https://127.0.0.1{JOBS}1",
    "an address in other digits": f"https://2130706433{JOBS}1",
    "the metadata service": f"http://169.254.169.254{JOBS}1",
    "an IPv6 address": f"https://[::1]{JOBS}1",
    "an IPv6 address that is none": f"https://[::zz]{JOBS}1",
    "a backslash before another host": f"https://elsewhere.example\\@{HOST}{JOBS}1",
    "a trailing dot": f"https://{HOST}.{JOBS}1",
    "another path": f"https://{HOST}/secrets/1",
    "the path of another version": f"https://{HOST}/text/analytics/v9/analyze/jobs/1",
    "a folder before the path": f"https://{HOST}/x{JOBS}1",
    "a step up": f"https://{HOST}{JOBS}../../../secrets",
    "an id that is a step up": f"https://{HOST}{JOBS}..",
    "an id that is a step": f"https://{HOST}{JOBS}.",
    "an encoded step up": f"https://{HOST}{JOBS}%2e%2e%2fsecrets",
    "an encoded slash": f"https://{HOST}{JOBS}1%2F2",
    "no id": f"https://{HOST}{JOBS}",
    "an id with a space": f"https://{HOST}{JOBS}a b",
    "an id and more path": f"https://{HOST}{JOBS}1/results",
    "an endless id": f"https://{HOST}{JOBS}" + "a" * 201,
    "an accent in the id": f"https://{HOST}{JOBS}\u00e9",
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_address_is_refused_and_never_called(case: str) -> None:
    address = FORGED[case].encode()
    network = Network(lambda _: httpx.Response(202, headers=[(b"operation-location", address)]))
    with pytest.raises(MalformedAnswerError, match="operation-location"):
        network.client().send(SUBMIT)
    assert [request.url.host for request in network.requests] == [HOST]


GOOD = {
    "a GUID": (f"{ENDPOINT}{JOBS}e7f1b3c2-58d6-4a0b-bd13-6f2c9a4e8d75", "e7f1b3c2-58d6-4a0b-bd13-6f2c9a4e8d75"),
    "an id with dots": (f"{ENDPOINT}{JOBS}a.b_c~d-1", "a.b_c~d-1"),
    "a query after it": (f"{ENDPOINT}{JOBS}1?api-version=2", "1"),
    "a fragment after it": (f"{ENDPOINT}{JOBS}1#top", "1"),
    "a host in capitals": (f"https://CONTOSO.CognitiveServices.Azure.com{JOBS}1", "1"),
    "a scheme in capitals": (f"HTTPS://{HOST}{JOBS}1", "1"),
    "the default port": (f"https://{HOST}:443{JOBS}1", "1"),
}


@pytest.mark.parametrize("case", GOOD)
def test_only_the_id_of_a_good_address_is_kept(case: str) -> None:
    address, expected = GOOD[case]
    network = Network(lambda _: httpx.Response(202, headers={"operation-location": address}))
    assert network.client().send(SUBMIT) == expected


def test_an_endpoint_in_capitals_meets_an_address_in_small_letters() -> None:
    network = Network(lambda _: httpx.Response(202, headers={"operation-location": f"{ENDPOINT}{JOBS}1"}))
    assert network.client(endpoint="https://Contoso.CognitiveServices.azure.com").send(SUBMIT) == "1"


def test_the_next_request_goes_to_the_configured_endpoint_whatever_the_job_is_called() -> None:
    network = Network(lambda _: httpx.Response(404))
    client: LanguageClient = network.client()
    for job in (
        "https://elsewhere.example/x",
        "//elsewhere.example",
        "..",
        "../../secrets",
        "@elsewhere.example",
        "1?x=1#y",
    ):
        with pytest.raises(LanguageNotFoundError):
            client.send(API.get_analyze_job(job))
    assert {request.url.host for request in network.requests} == {HOST}
    assert all(request.url.raw_path.startswith(JOBS.encode()) for request in network.requests[:2])


REDIRECTS = {
    "to another host": "https://elsewhere.example/",
    "to http": f"http://{HOST}/",
    "to the metadata service": "http://169.254.169.254/metadata",
    "to the same host": f"{ENDPOINT}/elsewhere",
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("case", REDIRECTS)
def test_a_redirect_is_never_followed_and_the_key_stays(status: int, case: str) -> None:
    network = Network(lambda _: httpx.Response(status, headers={"location": REDIRECTS[case]}))
    with pytest.raises(LanguageUnavailableError, match="never followed") as caught:
        network.client().send(SUBMIT)
    assert len(network.requests) == 1
    assert KEY not in str(caught.value)
