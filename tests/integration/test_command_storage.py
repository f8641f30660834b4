"""The commands that read and write storage, on Azurite: upload, watch, results, and labels from each form and back."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
import respx
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import Azurite
from cli.exit_codes import INCOMPLETE, NOT_FOUND, OK, REFUSED, USAGE
from cli.forms.collect import read_form
from cli.forms.names import Form
from cli.forms.rows import Columns
from shared.documents.record_schema import (
    BatchReference,
    ClassConfidence,
    ClassificationRecord,
    Decision,
    FailureRecord,
    RecordDecision,
    RecordReview,
    Timings,
)
from shared.documents.ref import DocumentRef, FailureCode, record_name
from shared.language.values import ModelRef, ProjectKind
from tests.unit.cli import test_forms
from tests.unit.cli.command_world import Run, app, run, sent

__all__ = ["app"]

PARTS = ("documents", "classifications", "failures", "training", "pipeline")
NOW = "2026-11-24T15:00:00Z"


@dataclass(frozen=True)
class World:
    """Containers of one test, and the command that speaks to them."""

    service: BlobServiceClient
    storage: str
    names: dict[str, str]

    def run(self, *arguments: str, said: str | None = None) -> Run:
        containers = {f"{part.upper()}_CONTAINER": name for part, name in self.names.items()}
        return run(*arguments, said=said, environment={"PIGEONHOLE_STORAGE": self.storage, **containers})

    def put(self, part: str, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str:
        blob = self.service.get_blob_client(self.names[part], name)
        return str(blob.upload_blob(data, overwrite=True, metadata=metadata)["etag"])

    def blobs(self, part: str) -> dict[str, bytes]:
        client = self.service.get_container_client(self.names[part])
        return {str(name): client.download_blob(name).readall() for name in client.list_blob_names()}

    def classify(self, name: str, *classes: str, text: str = "A text.", decision: Decision | None = None) -> None:
        """The document, and the record that the app writes of it."""
        document = self._document(name, text)
        decided = None
        if decision is not None:
            decided = RecordDecision(decision=decision, threshold=0.8, precision=0.95, confidence=0.9, documents=240)
        record = ClassificationRecord(
            document=document,
            project="letters",
            kind=ProjectKind.MULTI,
            model=ModelRef(project="letters", kind=ProjectKind.MULTI, reference="r", label="first", api_version="v"),
            api_version="v",
            classes=[ClassConfidence(name=each, confidence=0.75) for each in classes],
            warnings=[],
            batch=BatchReference(id="b", jobs=["j"], attempt=0),
            timings=Timings.model_validate({"uploaded": NOW, "planned": NOW, "submitted": NOW, "completed": NOW}),
            decision=decided,
            review=RecordReview.model_validate({"classes": ["shipping"], "by": "kim", "at": NOW}) if decision else None,
        )
        self.put("classifications", record_name(name), record.to_json(), record.facts().to_metadata())

    def fail(self, name: str) -> None:
        document = self._document(name, "")
        record = FailureRecord.model_validate(
            {"document": document, "code": FailureCode.EMPTY, "message": "no, text", "failed": NOW}
        )
        self.put("failures", record_name(name), record.to_json(), record.facts().to_metadata())

    def _document(self, name: str, text: str) -> DocumentRef:
        etag = self.put("documents", name, text.encode())
        return DocumentRef.model_validate({"name": name, "etag": etag, "last_modified": NOW, "size": len(text)})


@pytest.fixture
def world(azurite: Azurite, app: respx.MockRouter) -> Iterator[World]:
    prefix = f"cmd-{secrets.token_hex(4)}"
    names = {part: f"{prefix}-{part}" for part in PARTS}
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for name in names.values():
            service.create_container(name)
        yield World(service, azurite.connection_string, names)


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_folders_are_uploaded_and_what_is_no_text_is_skipped_with_a_word(world: World, tmp_path: Path) -> None:
    write(tmp_path, a_txt="one", b_TXT="two", c_pdf="three")
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", a_txt="four")
    first = world.run("upload", str(tmp_path), "--prefix", "inbox/", "--json")
    assert first.code == OK
    assert first.json == {"uploaded": 3, "unchanged": 0, "skipped": [str(tmp_path / "c.pdf")]}
    assert "c.pdf (only .txt are classified)" in first.err
    assert set(world.blobs("documents")) == {"inbox/a.txt", "inbox/b.TXT", "inbox/deep/a.txt"}
    again = world.run("upload", str(tmp_path), "--prefix", "inbox/")
    assert "3 were there already" in again.out
    same_name = world.run("upload", str(tmp_path / "a.txt"), str(tmp_path / "deep" / "a.txt"))
    assert same_name.code == USAGE
    assert "would both be a.txt" in same_name.err
    assert world.run("upload", str(tmp_path / "c.pdf")).code == USAGE
    assert world.run("upload", str(tmp_path / "none.txt")).code == USAGE


def test_watching_ends_when_each_document_has_the_record_of_its_version(world: World, app: respx.MockRouter) -> None:
    world.classify("inbox/a.txt", "billing")
    world.fail("inbox/b.txt")
    world.classify("other/c.txt", "billing")
    ended = world.run("watch", "--prefix", "inbox/", "--json")
    assert ended.code == INCOMPLETE
    assert ended.json == {"documents": 2, "classified": 1, "failed": 1, "waiting": 0}
    assert world.run("watch", "--prefix", "other/").code == OK
    # A new version waits, whatever record the old one has; so does a .txt without any. Another blob does not count.
    world.put("documents", "other/c.txt", b"changed")
    world.put("documents", "other/d.txt", b"new")
    world.put("documents", "other/e.pdf", b"%PDF")
    waiting = {"why": "no model is in use"}
    app.get("/api/status").respond(200, json={"waiting": waiting})
    waited = world.run("watch", "--prefix", "other/", "--seconds", "0.5")
    assert waited.code == INCOMPLETE
    assert "0 of 2 classified, 2 waiting: other/c.txt, other/d.txt" in waited.out
    assert "waiting: no model is in use" in waited.err


def test_what_was_uploaded_is_watched_and_nothing_else(world: World, tmp_path: Path, app: respx.MockRouter) -> None:
    app.get("/api/status").respond(503)
    world.put("documents", "inbox/waits.txt", b"for ever")
    write(tmp_path, a_txt="A text.")
    world.classify("inbox/a.txt", "billing", text="A text.")
    # Azurite keeps the ETag of what is not uploaded again: an MD5 is what tells, and the world above wrote none.
    ended = world.run("upload", str(tmp_path), "--prefix", "inbox/", "--watch", "--seconds", "0.5")
    assert "of 1 classified" in ended.out


def test_results_are_the_records_of_both_containers_in_each_format(world: World, tmp_path: Path) -> None:
    world.classify("inbox/a, b.txt", "billing", "shipping", text='First "line"\nsecond', decision=Decision.REVIEW)
    world.classify("inbox/c.txt", decision=Decision.ACCEPTED)
    world.classify("other/d.txt", "billing")
    world.fail("inbox/e.txt")
    printed = world.run("results", "--format", "csv", "--text")
    assert printed.code == OK
    assert "4 records" in printed.err
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(printed.out))}
    assert list(rows) == ["inbox/a, b.txt", "inbox/c.txt", "other/d.txt", "inbox/e.txt"]
    first = rows["inbox/a, b.txt"]
    assert (first["classes"], first["confidences"], first["decision"]) == ("billing|shipping", "0.75|0.75", "review")
    assert (first["reviewed_classes"], first["reviewed_by"], first["model"]) == ("shipping", "kim", "first")
    assert first["text"] == 'First "line"\nsecond'
    assert rows["inbox/e.txt"]["code"] == "empty"
    lines = [json.loads(line) for line in world.run("results", "--json", "--prefix", "inbox/").out.splitlines()]
    assert [line["name"] for line in lines] == ["inbox/a, b.txt", "inbox/c.txt", "inbox/e.txt"]
    assert lines[0]["classes"] == [{"name": "billing", "confidence": 0.75}, {"name": "shipping", "confidence": 0.75}]
    file = tmp_path / "results.parquet"
    assert world.run("results", "--output", str(file)).code == OK
    table = pq.read_table(file).to_pylist()
    assert [row["name"] for row in table] == list(rows)
    assert table[0]["classes"][0] == {"name": "billing", "confidence": 0.75}
    assert table[0]["ended"].isoformat() == "2026-11-24T15:00:00+00:00"
    assert not list(tmp_path.glob("*.part"))


def test_results_by_decision_are_classifications_only(world: World) -> None:
    world.classify("a.txt", "billing", decision=Decision.REVIEW)
    world.classify("b.txt", "billing", decision=Decision.ACCEPTED)
    world.classify("c.txt", "billing")
    world.fail("d.txt")
    names = [
        json.loads(line)["name"] for line in world.run("results", "--json", "--decision", "review").out.splitlines()
    ]
    assert names == ["a.txt"]
    assert world.run("results", "--decision", "perhaps").code == USAGE


def test_a_record_that_cannot_be_read_is_named_and_takes_no_other_with_it(world: World) -> None:
    world.classify("a.txt", "billing")
    world.put("classifications", "b.txt.json", b"{}")
    ended = world.run("results", "--json")
    assert ended.code == INCOMPLETE
    assert len(ended.out.splitlines()) == 1
    assert f"left out: {world.names['classifications']}/b.txt.json cannot be read" in ended.err


@pytest.mark.parametrize("name", test_forms.CASES)
def test_labels_of_each_form_come_back_from_the_results(world: World, tmp_path: Path, name: str) -> None:
    """Read, written as a dataset, classified as labelled, and read again from what `results` prints."""
    case = test_forms.CASES[name]
    dataset = tmp_path / "dataset" / "labels.json"
    read = world.run("labels", "from", case.form.value, str(test_forms.FILES / case.file), "--output", str(dataset))
    assert read.code == (INCOMPLETE if case.refused else OK)
    assert f"{len(case.documents)} documents" in read.out
    for place in case.refused:
        assert f"Refused {place}: " in read.out
    own = read_form(Form.SERVICE, dataset, Columns())
    assert not own.refused
    for location, document in own.documents.items():
        world.classify(location, *document.classes, text=own.text_of(location).decode())
    for form, ending in ((Form.CSV, "csv"), (Form.JSONL, "jsonl")):
        file = tmp_path / f"results.{ending}"
        assert world.run("results", "--text", "--output", str(file)).code == OK
        back = read_form(form, file, Columns())
        assert test_forms.texts(back) == test_forms.texts(own)
        assert not back.refused


PROJECT: dict[str, Any] = {"name": "letters", "kind": "multi_label", "labels_file": "labels.json"}
STORED: dict[str, Any] = {
    "documents": 3,
    "unlabelled": 0,
    "warnings": [{"place": "classes[0]", "what": "few documents"}],
}


def project(world: World, app: respx.MockRouter, **members: Any) -> respx.Route:
    """The project is there; its labels are kept where the app keeps them."""

    def keep(request: httpx.Request) -> httpx.Response:
        world.put("pipeline", "labels/letters.json", request.content)
        return httpx.Response(200, json=STORED)

    found = PROJECT | {"container": world.names["training"]} | members
    app.get("/api/projects/letters").respond(200, json=found)
    return app.put("/api/projects/letters/labels").mock(side_effect=keep)


def labels_of(route: respx.Route) -> dict[str, list[str]]:
    body = sent(route)[-1]
    names = body["intentNames"]
    return {each["location"]: [names[number] for number in each["intents"]] for each in body["documents"]}


def read_labels(world: World, form: str, file: str, *more: str) -> Run:
    return world.run("labels", "from", form, str(test_forms.FILES / file), *more)


def test_labels_are_stored_and_read_again_they_change_nothing(world: World, app: respx.MockRouter) -> None:
    route = project(world, app)
    first = read_labels(world, "label-studio", "label_studio.json", "--json")
    assert first.code == INCOMPLETE
    assert first.json["classes"] == {"billing": 2, "shipping": 2}
    assert [each["place"] for each in first.json["refused"]] == ["task 6 (id 16)", "task 7 (id 17)"]
    assert first.json["dropped"] == {"skipped by its annotator": 1, "not annotated": 1}
    assert first.json["stored"] == STORED
    assert "warning: classes[0]: few documents" in first.err
    stored, texts = labels_of(route), world.blobs("training")
    assert set(stored) == set(texts)
    assert sorted(map(sorted, stored.values())) == [["billing"], ["billing", "shipping"], ["shipping"]]
    read_labels(world, "label-studio", "label_studio.json")
    assert labels_of(route) == stored
    assert world.blobs("training") == texts


def test_the_labels_of_other_documents_are_replaced_only_when_someone_says_so(
    world: World, app: respx.MockRouter
) -> None:
    route = project(world, app)
    read_labels(world, "doccano", "doccano.jsonl")
    before = labels_of(route)
    refused = read_labels(world, "vertex", "vertex.csv")
    assert refused.code == USAGE
    assert "has labels of 4 other documents" in refused.err
    assert labels_of(route) == before
    read_labels(world, "vertex", "vertex.csv", "--add")
    together = labels_of(route)
    assert before.items() <= together.items()
    assert len(together) == len(before) + 3
    read_labels(world, "vertex", "vertex.csv", "--yes")
    assert len(labels_of(route)) == 3


def test_a_dry_run_stores_nothing(world: World, app: respx.MockRouter) -> None:
    route = project(world, app)
    assert read_labels(world, "doccano", "doccano.jsonl", "--dry-run").code == INCOMPLETE
    assert not route.called
    assert not world.blobs("training")


def test_a_project_that_is_not_there_is_made_and_one_of_another_kind_refuses(
    world: World, app: respx.MockRouter
) -> None:
    project(world, app, kind="single_label")
    refused = read_labels(world, "doccano", "doccano.jsonl")
    assert refused.code == REFUSED
    assert "takes one class for each document" in refused.err
    app.get("/api/projects/letters").respond(404, json={"title": "Unknown project", "detail": "d"})
    made = app.put("/api/projects/letters").respond(201, json=PROJECT | {"container": world.names["training"]})
    assert read_labels(world, "doccano", "doccano.jsonl").code == INCOMPLETE
    assert sent(made)[0]["kind"] == "multi_label"


def test_labels_are_shown_and_checked_as_the_app_keeps_them(
    world: World, app: respx.MockRouter, tmp_path: Path
) -> None:
    project(world, app)
    assert world.run("labels", "show").code == NOT_FOUND
    lines = [{"text": f"The invoice number {n} is wrong, the sum is too high.", "label": "billing"} for n in range(12)]
    lines += [{"text": f"Pallet {n} came late, the driver was lost.", "label": "shipping"} for n in range(12)]
    lines[0]["label"] = "shipping"
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert world.run("labels", "from", "jsonl", str(file)).code == OK
    shown = world.run("labels", "show")
    assert "24 documents" in shown.out
    assert "13  shipping" in shown.out
    assert len(world.run("labels", "show", "billing", "--json").json["locations"]) == 11
    # As the app writes decisions: a label, one of another project, one that was withdrawn, one that was skipped.
    skipped = {"project": "letters", "at": "2026-11-24T15:18:07+00:00"}
    label = skipped | {"container": "training", "location": "reviewed-1.txt"}
    decisions = (label, label | {"project": "other"}, label | {"withdrawn": "true"}, skipped)
    for number, metadata in enumerate(decisions):
        world.put("pipeline", f"reviews/decided/{number}.json", b"{}", metadata)
    assert "and 1 decided in reviews" in world.run("labels", "show").out
    for version in ("a" * 16, "b" * 16):  # of one document, of which a training adds the one decided last
        world.put("pipeline", f"reviews/decided/{'d' * 24}{version}.json", b"{}", label)
    assert "and 2 decided in reviews" in world.run("labels", "show").out
    assert world.run("labels", "show", "nothing").code == NOT_FOUND
    kept = tmp_path / "kept.json"
    world.run("labels", "show", "--output", str(kept))
    assert len(json.loads(kept.read_bytes())["documents"]) == 24
    checked = world.run("labels", "check", "--limit", "3", "--near", "0.8")
    assert checked.code == OK
    assert "near-duplicates" in checked.out
    data = world.run("labels", "check", "--json").json
    worst = data["mistakes"][0]
    assert (worst["labelled"], worst["suggested"]) == (["shipping"], ["billing"])
    assert data["cleanlab"][0] == worst["document"]
    # The same from a file, which stores nothing.
    assert (
        world.run("labels", "check", "jsonl", str(file), "--kind", "multi", "--json").json["mistakes"]
        == data["mistakes"]
    )
