"""Projects at the service: created once, described anew, refused any other change; labels checked before they stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from shared.errors import (
    ContainerNotAllowedError,
    InputProblem,
    LabelsRefusedError,
    LanguageNotFoundError,
    ProjectUnchangeableError,
    ProjectUnknownError,
)
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import ModelRef, ProjectKind
from shared.models import projects as projects_module
from shared.models.active_model import ActiveModelRecord
from shared.models.golden import split
from shared.models.labels_store import labels_blob
from shared.models.projects import ProjectRequest, Projects
from shared.services import Adapters, assemble
from tests.fake_language import language_error
from tests.fakes import START, FakeBlobStore, FakeQueue, VirtualClock, app_settings, serial_fan_out

API_VERSIONS = ("2021-preview", "2023-04-01")
MULTI = ProjectRequest(kind=ProjectKind.MULTI)
CLASSES = ("billing", "shipping")


@dataclass
class FakeProjects:
    """The projects of a Language service in memory, both API versions. `changes` is what was asked for."""

    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    pages: list[list[str]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        _, _, below = request.url.path.partition("/projects")
        name = below.strip("/").partition("/")[0]
        match request.method:
            case "POST":
                name = json.loads(request.content)["name"]
                return self._write("create", name, json.loads(request.content))
            case "PATCH":
                return self._write("update" if name in self.bodies else "create", name, json.loads(request.content))
            case "DELETE" if name in self.bodies:
                del self.bodies[name]
                self.changes.append(f"delete {name}")
                return httpx.Response(202)
        if name not in self.bodies:
            return language_error(404, "NotFound", "the project does not exist")
        return self._read(request, below.strip("/").partition("/")[2], self.bodies[name])

    def _write(self, what: str, name: str, body: dict[str, Any]) -> httpx.Response:
        self.bodies[name] = self.bodies.get(name, {}) | body
        self.changes.append(f"{what} {name}")
        return httpx.Response(201, json=self.bodies[name])

    def _read(self, request: httpx.Request, below: str, project: dict[str, Any]) -> httpx.Response:
        if below == "":
            return httpx.Response(200, json=project)
        if below == "trainedModels":
            models = [{"trainingModelName": label} for page in self.pages for label in page]
            return httpx.Response(200, json={"trainingModelsInfo": models})
        if below == "models":
            number = int(request.url.params.get("skip", 0))
            more = number + 1 < len(self.pages)
            link = str(request.url.copy_merge_params({"skip": str(number + 1), "top": "1"}))
            value = [{"label": label} for label in self.pages[number]]
            return httpx.Response(200, json={"value": value} | ({"nextLink": link} if more else {}))
        return language_error(404, "NotFound", "the model does not exist")


@dataclass
class Place:
    """Projects on fakes, and the training container `training`."""

    projects: Projects
    service: FakeProjects
    containers: dict[str, FakeBlobStore]
    reads: list[str]

    @property
    def is_preview(self) -> bool:
        return self.projects.language_api == "2021-preview"

    def put(self, name: str = "letters", **changes: object) -> tuple[Project, bool]:
        result = self.projects.put(name, MULTI.model_copy(update=changes))
        return result.project, result.created

    def put_labels(self, content: object, *, project: str = "letters") -> dict[str, int]:
        return self.projects.put_labels(self.projects.get(project), content).labels.counts

    @property
    def training(self) -> FakeBlobStore:
        return self.containers["training"]

    def upload(self, count: int) -> None:
        for number in range(count):
            self.training.put(f"t{number}.txt", f"about {CLASSES[number % 2]}".encode())


@pytest.fixture(params=API_VERSIONS)
def place(request: pytest.FixtureRequest) -> Place:
    clock, service, reads = VirtualClock(), FakeProjects(), []
    containers: dict[str, FakeBlobStore] = {}

    def note(name: str, effect: Callable[[], Any]) -> Any:
        reads.append(name)
        return effect()

    def open_container(name: str) -> FakeBlobStore:
        return containers.setdefault(name, FakeBlobStore(name, clock, note))

    settings = app_settings(language_api=request.param, training_containers="mail,other")
    http = httpx.Client(transport=httpx.MockTransport(service))
    adapters = Adapters(
        open_container=open_container,
        open_queue=lambda name: FakeQueue(name, clock),
        language=LanguageClient(settings.language_endpoint, KeyCredential("k"), http, sleep=lambda _: None),
        fan_out=serial_fan_out,
        clock=clock,
        jitter=lambda: 0.0,
    )
    open_container("training")
    return Place(assemble(settings, adapters).projects, service, containers, reads)


# Create, describe, delete

NOT_FOR_TRAINING = ("documents", "classifications", "failures", "pipeline", "azure-webjobs-secrets", "unheard-of")


@pytest.mark.parametrize("container", NOT_FOR_TRAINING)
def test_a_project_may_not_have_a_container_that_the_settings_do_not_name(place: Place, container: str) -> None:
    with pytest.raises(ContainerNotAllowedError, match=r"only training, mail, other; .*TRAINING_CONTAINERS"):
        place.put(container=container)
    assert place.service.changes == []


@pytest.mark.parametrize("container", NOT_FOR_TRAINING)
def test_labels_are_not_written_into_such_a_container_however_the_project_got_there(
    place: Place, container: str
) -> None:
    project = Project("letters", ProjectKind.MULTI, "en-us", container, "labels.json")
    with pytest.raises(ContainerNotAllowedError):
        place.projects.put_labels(project, {})
    assert place.reads == []


@pytest.mark.parametrize("name", ["notes.txt", "/labels.json", "../labels.json", "a#.json", "", "labels.json\n"])
def test_a_labels_file_has_a_plain_name_and_never_a_document_s(name: str) -> None:
    with pytest.raises(ValidationError):
        ProjectRequest(kind=ProjectKind.MULTI, labels_file=name)


def test_a_project_that_does_not_exist_is_created_as_asked(place: Place) -> None:
    project, created = place.put(language="de", multilingual=True, description="letters", container="mail")
    assert created
    assert (project.name, project.kind, project.language) == ("letters", ProjectKind.MULTI, "de")
    assert (project.container, project.multilingual, project.description) == ("mail", True, "letters")
    assert place.service.changes == ["create letters"]


def test_a_project_keeps_its_documents_in_the_training_container_unless_told(place: Place) -> None:
    assert place.put()[0].container == "training"


def test_putting_the_same_project_again_changes_nothing(place: Place) -> None:
    first = place.put(description="letters")
    again, created = place.put(description="letters")
    assert (again, created) == (first[0], False)
    assert place.service.changes == ["create letters"]


def test_a_description_can_be_changed(place: Place) -> None:
    place.put(description="old")
    project, created = place.put(description="new")
    assert (project.description, created) == ("new", False)
    assert place.service.changes == ["create letters", "update letters"]


UNCHANGEABLE: dict[str, dict[str, Any]] = {
    "kind": {"kind": ProjectKind.SINGLE},
    "container": {"container": "other"},
    "multilingual": {"multilingual": True},
    "language": {"language": "de"},
}


@pytest.mark.parametrize("what", UNCHANGEABLE)
def test_what_the_service_cannot_change_is_refused_by_name_and_nothing_is_sent(place: Place, what: str) -> None:
    place.put()
    with pytest.raises(ProjectUnchangeableError, match=f"cannot change {what} of project 'letters'"):
        place.put(**UNCHANGEABLE[what], description="new")
    assert place.service.changes == ["create letters"]


def test_all_that_cannot_be_changed_is_told_at_once(place: Place) -> None:
    place.put()
    with pytest.raises(ProjectUnchangeableError, match="kind, container, language"):
        place.put(kind=ProjectKind.SINGLE, container="other", language="de")


def test_a_language_in_other_letters_is_the_same(place: Place) -> None:
    place.put(language="en-us")
    assert place.put(language="EN-US")[1] is False


def test_the_name_of_the_labels_file_is_fixed_where_the_version_keeps_it_and_is_always_the_same_elsewhere(
    place: Place,
) -> None:
    if place.is_preview:
        assert place.put(labels_file="mine.json")[0].labels_location == "mine.json"
        with pytest.raises(ProjectUnchangeableError, match="labels_location"):
            place.put(labels_file="other.json")
    else:
        with pytest.raises(ProjectUnchangeableError, match=r"the file is always labels\.json"):
            place.put(labels_file="mine.json")
        assert place.service.changes == []


def test_an_unknown_project_is_not_found_and_says_how_to_create_it(place: Place) -> None:
    assert place.projects.find("never") is None
    with pytest.raises(ProjectUnknownError, match="create it with PUT /api/projects/never"):
        place.projects.get("never")


def use_a_model_of(place: Place, project: str) -> None:
    model = ModelRef(project=project, kind=ProjectKind.MULTI, reference="x", label="first")
    place.projects.active_model.switch(ActiveModelRecord(model=model, api_version="2021-preview", published=START))


@pytest.mark.parametrize(("used", "left"), [("letters", None), ("reports", "first")])
def test_a_deleted_project_takes_its_own_model_out_of_use_and_no_other(
    place: Place, used: str, left: str | None
) -> None:
    place.put()
    use_a_model_of(place, used)
    place.projects.delete("letters")
    assert place.service.bodies == {}
    assert place.projects.active_model.find_label(used) == left


def test_a_project_deleted_behind_our_back_takes_its_model_out_of_use_all_the_same(place: Place) -> None:
    use_a_model_of(place, "letters")
    with pytest.raises(ProjectUnknownError):
        place.projects.delete("letters")
    assert place.projects.active_model.find_label("letters") is None


# Labels


def july(count: int = 20, **changes: object) -> dict[str, Any]:
    documents = [{"location": f"t{number}.txt", "culture": "en-us", "intents": [number % 2]} for number in range(count)]
    return {"intentNames": list(CLASSES), "documents": documents} | changes


def problems(place: Place, content: object) -> list[InputProblem]:
    with pytest.raises(LabelsRefusedError) as refused:
        place.put_labels(content)
    assert str(refused.value).startswith(f"the labels file has {len(refused.value.problems)} problem")
    assert str(refused.value).endswith("; nothing was replaced")
    return list(refused.value.problems)


def locations(file: bytes) -> list[str]:
    return [each["location"] for each in json.loads(file)["documents"]]


def test_a_labels_file_without_problems_is_stored_whole(place: Place) -> None:
    place.put()
    place.upload(20)
    assert place.put_labels(july()) == {"billing": 10, "shipping": 10}
    stored = place.containers["pipeline"].read("labels/letters.json").data
    assert json.loads(stored)["intentNames"] == list(CLASSES)
    assert locations(stored) == [f"t{number}.txt" for number in range(20)]


def test_a_labels_file_without_problems_is_kept_beside_the_documents_and_the_service_finds_no_golden_one_in_it(
    place: Place,
) -> None:
    place.put()
    place.upload(20)
    place.put_labels(july())
    kept = place.training.read("labels.json").data
    documents = [LabelledDocument(f"t{number}.txt", "", ()) for number in range(20)]
    expected = split(documents, percent=20).training if place.is_preview else documents
    assert json.loads(kept)["intentNames"] == list(CLASSES)
    assert locations(kept) == [each.location for each in expected]


def test_a_labels_file_with_problems_replaces_nothing_and_all_of_them_are_told(place: Place) -> None:
    place.put()
    place.upload(20)
    place.training.put("labels.json", b"old")
    entry = {"location": "gone.txt", "culture": "en-us", "intents": [0]}
    found = problems(place, july(documents=[*july()["documents"], entry, {"location": "t0.pdf", "intents": [7]}]))
    assert {each.place.partition(".")[0] for each in found} == {"documents[20]", "documents[21]"}
    assert len(found) >= 3
    assert place.training.read("labels.json").data == b"old"


def test_a_single_label_project_refuses_a_document_of_two_classes(place: Place) -> None:
    place.put(kind=ProjectKind.SINGLE)
    place.upload(20)
    documents = july()["documents"]
    documents[3]["intents"] = [0, 1]
    assert problems(place, july(documents=documents)) == [
        InputProblem("documents[3]", "'t3.txt' has 2 classes; a single-label project takes 1")
    ]


def test_documents_that_are_no_text_are_told_with_their_places(place: Place) -> None:
    place.put()
    place.upload(20)
    place.training.put("t4.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    place.training.put("t7.txt", b" \n ")
    found = problems(place, july())
    assert [each.place for each in found] == ["documents[4]", "documents[7]"]
    assert all("cannot be read" in each.what for each in found)


def test_a_document_that_goes_while_it_is_checked_is_told(place: Place) -> None:
    place.put()
    place.upload(20)
    listing = place.training.list

    def list_then_lose(prefix: str = "", *, metadata: bool = False) -> Any:
        yield from listing(prefix, metadata=metadata)
        place.training._delete("t5.txt", None)

    place.training.list = list_then_lose  # type: ignore[method-assign]
    found = problems(place, july())
    assert [each.place for each in found] == ["documents[5]"]


def test_contents_are_not_read_before_the_listing_is_right_nor_beyond_the_limit(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put()
    place.upload(20)
    place.reads.clear()
    problems(place, july(intentNames=["bill/ing", "shipping"]))
    assert "training.read" not in place.reads
    monkeypatch.setattr(projects_module, "MAX_READ", 20)
    place.put_labels(july())
    assert place.reads.count("training.read") == 20
    place.reads.clear()
    monkeypatch.setattr(projects_module, "MAX_READ", 19)
    place.put_labels(july())
    assert "training.read" not in place.reads


# The two sides


def sides_of(content: dict[str, Any]) -> tuple[list[str], list[str]]:
    documents = [LabelledDocument(each["location"], "", (), each.get("dataset")) for each in content["documents"]]
    sides = split(documents, percent=20)
    return [each.location for each in sides.training], [each.location for each in sides.golden]


def upload_distinct(place: Place, count: int) -> None:
    for number in range(count):
        words = " ".join(f"word{number}x{each}" for each in range(50))
        place.training.put(f"t{number}.txt", f"about {CLASSES[number % 2]}: {words}".encode())


def warnings(place: Place, content: object) -> list[tuple[str, str]]:
    stored = place.projects.put_labels(place.projects.get("letters"), content)
    return [(each.place, each.what) for each in stored.warnings]


def test_golden_documents_that_are_like_ones_to_train_on_are_named_with_what_to_do(place: Place) -> None:
    place.put()
    upload_distinct(place, 100)
    training, golden = sides_of(july(100))
    text = place.training.blobs[training[0]].data.decode()
    place.training.put(golden[0], f"{text.upper()}.\n".encode())
    place.training.put(golden[1], text.replace("x25", "x26").encode())
    places = {f"t{number}.txt": f"documents[{number}]" for number in range(100)}
    end = (
        f"the text of '{training[0]}', which is trained on: figures are better than the model is; leave one of them "
        "out, or give both the same dataset"
    )
    assert [each for each in warnings(place, july(100)) if each[0].startswith("documents")] == [
        (places[golden[0]], f"the golden document '{golden[0]}' has {end}"),
        (places[golden[1]], f"the golden document '{golden[1]}' has almost {end}"),
    ]


def test_documents_of_one_side_may_be_alike(place: Place) -> None:
    place.put()
    upload_distinct(place, 100)
    for side in sides_of(july(100)):
        place.training.put(side[0], place.training.blobs[side[1]].data)
    assert [each for each in warnings(place, july(100)) if each[0].startswith("documents")] == []


def test_contents_that_were_not_read_are_counted_and_their_likeness_is_not_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects_module, "MAX_READ", 99)
    place.put()
    upload_distinct(place, 100)
    assert warnings(place, july(100))[-1] == (
        "documents",
        "the contents of 100 documents were not read: whether all are text, and whether golden documents are like "
        "others, is not known",
    )


def test_a_class_that_either_side_has_too_few_documents_of_is_named_with_the_number_that_is_missing(
    place: Place,
) -> None:
    place.put()
    upload_distinct(place, 60)
    documents = [each | {"intents": [int(number >= 51)]} for number, each in enumerate(july(60)["documents"])]
    content = july(60, documents=documents)
    training, golden = sides_of(content)
    few = {f"t{number}.txt" for number in range(51, 60)}
    trained, judged = len(few.intersection(training)), len(few.intersection(golden))
    assert (trained < 10, judged < 5) == (True, True)
    assert warnings(place, content) == [
        (
            "intentNames[1]",
            f"'shipping' labels {trained} documents to train on; the service advises 10 at least: "
            f"{10 - trained} missing",
        ),
        (
            "intentNames[1]",
            f"'shipping' labels {judged} golden documents; models are judged by 5 of a class at least: "
            f"{5 - judged} missing",
        ),
    ]


def test_a_file_without_a_golden_document_is_taken_and_that_is_said(place: Place) -> None:
    place.put()
    upload_distinct(place, 40)
    documents = [each | {"dataset": "Train"} for each in july(40)["documents"]]
    assert warnings(place, july(40, documents=documents)) == [
        ("documents", "no document is golden: models are judged by documents that the service chooses at random")
    ]


def test_a_file_whose_documents_are_all_golden_is_refused(place: Place) -> None:
    place.projects = replace(place.projects, labels=replace(place.projects.labels, golden_percent=100))
    place.put()
    upload_distinct(place, 40)
    found = problems(place, july(40))
    assert [each.place for each in found] == ["documents"]
    assert found[0].what == (
        "every document is golden, and none is left to train on; label more, or write the dataset Train for most"
    )


def test_labels_that_are_put_with_more_documents_move_none_to_the_other_side(place: Place) -> None:
    place.put()
    upload_distinct(place, 120)
    found = []
    for count in (60, 120):
        place.put_labels(july(count))
        sides = place.projects.labels.get(place.projects.get("letters")).sides
        found.append(({each.location for each in sides.training}, {each.location for each in sides.golden}))
    (training, golden), (more_training, more_golden) = found
    assert training < more_training
    assert golden < more_golden


def test_a_deleted_project_takes_its_stored_labels_along_and_leaves_the_whole_file(place: Place) -> None:
    place.put()
    upload_distinct(place, 40)
    place.put_labels(july(40))
    place.projects.delete("letters")
    assert "labels/letters.json" not in place.containers["pipeline"].blobs
    assert len(locations(place.training.blobs["labels.json"].data)) == 40


def test_a_project_deleted_behind_our_back_takes_its_stored_labels_along(place: Place) -> None:
    place.put()
    upload_distinct(place, 40)
    place.put_labels(july(40))
    place.service.bodies.clear()
    with pytest.raises(ProjectUnknownError):
        place.projects.delete("letters")
    assert "labels/letters.json" not in place.containers["pipeline"].blobs


def test_the_labels_file_lies_where_the_project_says() -> None:
    project = Project("letters", ProjectKind.MULTI, "en-us", "training", "mine.json")
    assert labels_blob(project) == "mine.json"
    assert labels_blob(Project("letters", ProjectKind.MULTI, "en-us", "training", "")) == "labels.json"


# Models


def test_all_pages_of_the_models_are_listed(place: Place) -> None:
    place.put()
    place.service.pages = [["first"], ["second"], ["third"]]
    assert [model.label for model in place.projects.list_models("letters")] == ["first", "second", "third"]


def test_the_models_of_an_unknown_project_are_not_an_empty_list(place: Place) -> None:
    with pytest.raises(ProjectUnknownError):
        place.projects.list_models("never")


def test_a_model_without_an_evaluation_is_not_found(place: Place) -> None:
    place.put()
    with pytest.raises(LanguageNotFoundError):
        place.projects.get_evaluation("letters", label="never")
    with pytest.raises(LanguageNotFoundError):
        place.projects.list_reviewed("letters", label="never")
