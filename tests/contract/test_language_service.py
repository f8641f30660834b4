"""What the pipeline relies on of the Language service, held by the fake of the tests and by the emulator, through the
app's own client. The emulator speaks both forms of the 2021 preview's job body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from azurite_process.azurite import Azurite
from language_emulator.clock import ManualClock
from language_emulator.server import running_emulator
from language_emulator.settings import EmulatorSettings, KindSpelling, PartialWord, PreviewForm
from language_emulator.testing.analyze_text import GeneralAvailability
from language_emulator.testing.corpus import CLASSES, DOCUMENTS, upload_corpus
from language_emulator.testing.text_authoring_2021 import Preview
from shared.batches.refusals import is_about_the_model
from shared.errors import LanguageNotFoundError, LanguageRefusedError
from shared.language.apis import api_for
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import TERMINAL, AnalyzeJob, LroStatus, ModelRef, ProjectKind, TextInput
from tests.fake_language import FakeLanguageService
from tests.fakes import VirtualClock

API = api_for("2021-preview")
BILLING = DOCUMENTS["billing"] + " billing"
MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)


@dataclass
class Place:
    """A service with one published model, and the hands to move its clock and its jobs."""

    client: LanguageClient
    model: ModelRef
    advance: Callable[[timedelta], None]
    run_for_reads: Callable[[int], None]

    def submit(self, texts: list[TextInput]) -> str:
        return self.client.send(API.submit_analyze(texts, self.model, display_name="contract"))

    def read(self, job: str) -> AnalyzeJob:
        return self.client.send(API.get_analyze_job(job))

    def finish(self, job: str) -> AnalyzeJob:
        for _ in range(10):
            state = self.read(job)
            if state.status in TERMINAL:
                return state
        raise AssertionError(f"{job} did not end within ten reads")

    def unknown_model(self) -> ModelRef:
        return self.model.model_copy(
            update={"reference": "00000000-0000-4000-8000-000000000000_MultiClassification_latest"}
        )


def fake_place() -> Place:
    clock = VirtualClock()
    service = FakeLanguageService(clock)

    def run_for_reads(reads: int) -> None:
        service.reads_before_done = reads

    http = httpx.Client(transport=service.transport())
    return Place(
        LanguageClient(service.endpoint, KeyCredential("k"), http),
        ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="model-1", label="model1"),
        clock.advance,
        run_for_reads,
    )


def emulator_place(stack: ExitStack, storage: str, form: PreviewForm) -> Place:
    clock = ManualClock()
    settings = EmulatorSettings(storage=storage, preview_form=form)
    running = stack.enter_context(running_emulator(settings, clock))
    preview = Preview(running.url, settings.key)
    stack.callback(preview.http.close)
    assert preview.create("contract", "contracttickets").status_code == 201
    reference = preview.published("contract")
    http = stack.enter_context(httpx.Client())

    def run_for_reads(reads: int) -> None:
        preview.control("PUT", "progression", {"analysis": f"after {reads} reads" if reads else "immediate"})

    def advance(delta: timedelta) -> None:
        clock.advance(seconds=delta.total_seconds())

    return Place(
        LanguageClient(running.url, KeyCredential(settings.key), http),
        ModelRef(project="contract", kind=ProjectKind.MULTI, reference=reference, label="model1"),
        advance,
        run_for_reads,
    )


@pytest.fixture(scope="module", params=["fake", *PreviewForm])
def shared_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        yield fake_place()
        return
    azurite: Azurite = request.getfixturevalue("azurite")
    upload_corpus(azurite.connection_string, "contracttickets", single_label=False)
    with ExitStack() as stack:
        yield emulator_place(stack, azurite.connection_string, request.param)


@pytest.fixture
def place(shared_place: Place) -> Place:
    shared_place.run_for_reads(0)
    return shared_place


def texts(count: int) -> list[TextInput]:
    return [TextInput(str(number), f"{BILLING} {number}") for number in range(count)]


# submit and poll


def test_a_submitted_job_ends_with_the_classes_of_every_text(place: Place) -> None:
    state = place.finish(place.submit(texts(3)))
    assert state.status is LroStatus.SUCCEEDED
    assert [text.id for text in state.texts] == ["0", "1", "2"]
    for text in state.texts:
        assert "billing" in [each.name for each in text.classes]
        assert {each.name for each in text.classes} <= {*CLASSES, "billing", "shipping"}
        assert all(0 <= each.confidence <= 1 for each in text.classes)
    assert state.text_errors == {}


@pytest.mark.parametrize("ids", [["0", "24"], ["3.0", "3.1", "3.12"], ["a", "B"]], ids=["numbers", "parts", "letters"])
def test_the_ids_come_back_as_they_were_sent(place: Place, ids: list[str]) -> None:
    state = place.finish(place.submit([TextInput(text_id, BILLING) for text_id in ids]))
    assert [text.id for text in state.texts] == ids


def test_any_characters_may_be_sent(place: Place) -> None:
    state = place.finish(place.submit([TextInput("0", f'{BILLING} "Grüße" 東京 \U0001f600 \\ \t\n')]))
    assert [text.id for text in state.texts] == ["0"]


def test_a_job_runs_for_some_reads_and_then_ends(place: Place) -> None:
    place.run_for_reads(2)
    job = place.submit(texts(1))
    first = place.read(job)
    assert first.status not in TERMINAL
    assert (first.texts, first.next_page) == ((), None)
    assert place.finish(job).status is LroStatus.SUCCEEDED


def test_a_finished_job_gives_the_same_answer_each_time(place: Place) -> None:
    job = place.submit(texts(2))
    first = place.finish(job)
    assert place.read(job) == first


def test_each_submission_is_a_job_of_its_own(place: Place) -> None:
    assert len({place.submit(texts(1)) for _ in range(3)}) == 3


# pages


def test_25_texts_come_in_pages_that_are_all_of_them_once(place: Place) -> None:
    job = place.submit(texts(25))
    state = place.finish(job)
    assert len(state.texts) == 20
    found = [text.id for text in state.texts]
    while state.next_page is not None:
        state = place.client.send(API.get_analyze_job(job, page=state.next_page))
        found += [text.id for text in state.texts]
    assert found == [str(number) for number in range(25)]


def test_20_texts_are_one_page(place: Place) -> None:
    state = place.finish(place.submit(texts(20)))
    assert (len(state.texts), state.next_page) == (20, None)


# what is unknown


def test_an_unknown_model_is_refused_in_a_way_that_is_told_from_a_bad_document(place: Place) -> None:
    call = API.submit_analyze(texts(1), place.unknown_model(), display_name="contract")
    with pytest.raises(LanguageRefusedError) as caught:
        place.client.send(call)
    assert is_about_the_model(caught.value)


@pytest.mark.parametrize("job", ["0d9f5a1e-7a3b-4a39-8f52-91c0f3a7d2e4", "nothing-like-it"])
def test_an_unknown_job_is_not_found(place: Place, job: str) -> None:
    with pytest.raises(LanguageNotFoundError):
        place.read(job)


# expiry


def test_a_job_can_be_read_for_24_hours_and_then_is_unknown(place: Place) -> None:
    job = place.submit(texts(1))
    state = place.finish(job)
    assert state.created is not None
    assert state.expires is not None
    assert state.expires - state.created == DAY
    place.advance(DAY - MINUTE)
    assert place.read(job).texts == state.texts
    place.advance(2 * MINUTE)
    with pytest.raises(LanguageNotFoundError):
        place.read(job)


# The dated API on the emulator, where it may be stricter or speak another of the service's words.


@pytest.mark.parametrize("version", ["2022-05-01", "2023-04-01"])
def test_projects_are_created_and_imported_where_only_the_specification_s_spelling_is_taken(
    azurite: Azurite, version: str
) -> None:
    upload_corpus(azurite.connection_string, "contractstrict", single_label=True)
    settings = EmulatorSettings(storage=azurite.connection_string, kind_spelling=KindSpelling.SPECIFICATION)
    project = Project(name="strict", kind=ProjectKind.SINGLE, language="en-us", container="contractstrict")
    api = api_for(version)
    with running_emulator(settings) as running, httpx.Client() as http:
        client = LanguageClient(running.url, KeyCredential(settings.key), http)
        client.send(api.create_project(project))
        labelled = [LabelledDocument(location="t0.txt", language="en-us", classes=(CLASSES[0],))]
        job = client.send(api.import_labels(project, list(CLASSES), labelled))
        assert client.send(api.get_import_job("strict", job)).status is LroStatus.SUCCEEDED
        assert client.send(api.get_project("strict")).kind is ProjectKind.SINGLE


@pytest.mark.parametrize("word", PartialWord)
def test_both_words_for_a_partly_failed_job_end_it(azurite: Azurite, word: PartialWord) -> None:
    upload_corpus(azurite.connection_string, "contractpartly", single_label=False)
    settings = EmulatorSettings(storage=azurite.connection_string, partial_word=word)
    model = ModelRef(project="partly", kind=ProjectKind.MULTI, reference="production", label="model1")
    api = api_for("2023-04-01")
    with running_emulator(settings) as running, httpx.Client() as http:
        ga = GeneralAvailability(running.url, settings.key)
        ga.deployed("partly", "contractpartly", count=12)
        # The app sends one task a job; the fault makes the job say that others failed.
        ga.inject("submit_analysis", {"kind": "fail_task", "end": "partiallyCompleted"})
        ga.http.close()
        client = LanguageClient(running.url, KeyCredential(settings.key), http)
        job = client.send(api.submit_analyze(texts(1), model, display_name="contract"))
        assert client.send(api.get_analyze_job(job)).status is LroStatus.PARTIALLY_COMPLETED


def test_the_dated_api_gives_the_results_of_25_texts_in_one_page_when_it_is_asked(azurite: Azurite) -> None:
    upload_corpus(azurite.connection_string, "contractpages", single_label=False)
    settings = EmulatorSettings(storage=azurite.connection_string)
    model = ModelRef(project="pages", kind=ProjectKind.MULTI, reference="production", label="model1")
    api = api_for("2023-04-01")
    with running_emulator(settings) as running, httpx.Client() as http:
        ga = GeneralAvailability(running.url, settings.key)
        ga.deployed("pages", "contractpages", count=12)
        ga.http.close()
        client = LanguageClient(running.url, KeyCredential(settings.key), http)
        job = client.send(api.submit_analyze(texts(25), model, display_name="contract"))
        found = client.send(api.get_analyze_job(job, page=api.page_of_all_results))
    assert (len(found.texts), found.next_page) == (25, None)
