"""What is wrong with a labels file that could be read, and what is only doubtful. Pure.

The rules are those of the API version in use (`LabelRules`), so that what is accepted here can be imported and trained.
A problem refuses the file. A warning is what the service advises, or what its pages leave open.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from shared.documents.ref import is_document_name
from shared.errors import InputProblem, quoted
from shared.language.authoring_values import LabelRules
from shared.language.values import ProjectKind
from shared.models.golden import GOLDEN, Split, missing_sides
from shared.models.labels_file import LabelsFile
from shared.models.near_duplicates import NearDuplicate

# "You must have a minimum of 10 tagged instances per class" (2021); later pages advise 15 and more. No source shows
# that the service refuses fewer.
ADVISED_LABELS = 10
# With fewer golden documents of a class, one mistake moves its recall by more than 0.2.
LEAST_GOLDEN = 5
NAMED_PLACES = 4
_PLAIN = re.compile(r"[\x20-\x7e]*")


def fold(problems: Iterable[InputProblem]) -> list[InputProblem]:
    """One problem for each cause: what is said of several places is said once, at the first of them."""
    places: dict[str, list[str]] = {}
    for each in problems:
        places.setdefault(each.what, []).append(each.place)
    return [InputProblem(found[0], what + _others(found[1:])) for what, found in places.items()]


def _others(places: list[str]) -> str:
    if not places:
        return ""
    more = len(places) - NAMED_PLACES
    return f"; also at {', '.join(places[:NAMED_PLACES])}" + (f" and {more} more places" if more > 0 else "")


def check_labels(labels: LabelsFile, rules: LabelRules) -> Iterator[InputProblem]:
    """Every problem that the file shows by itself. A consequence of a problem of the reading is not said again."""
    yield from labels.problems
    yield from _check_names(labels, rules)
    yield from _check_documents(labels, rules)
    if not labels.problems:
        yield from _check_training(labels, rules)


def _check_names(labels: LabelsFile, rules: LabelRules) -> Iterator[InputProblem]:
    count = len(labels.classes)
    is_read = labels.names_place not in {each.place for each in labels.problems}
    if is_read and not rules.min_classes <= count <= rules.max_classes:
        what = f"{count} classes; {rules.min_classes} to {rules.max_classes} are allowed"
        yield InputProblem(labels.names_place, what)
    seen: set[str] = set()
    for number, name in enumerate(labels.classes):
        place = f"{labels.names_place}[{number}]"
        if not name:
            continue  # a problem of the reading already
        if name in seen:
            yield InputProblem(place, f"{quoted(name)} occurs twice")
            continue
        seen.add(name)
        if not rules.class_name.fullmatch(name):
            yield InputProblem(place, f"{quoted(name)} is not a class name ({rules.class_name_in_words})")
        elif name != name.strip():
            yield InputProblem(place, f"{quoted(name)} begins or ends with a space")


def _check_documents(labels: LabelsFile, rules: LabelRules) -> Iterator[InputProblem]:
    count = len(labels.placed)
    if not labels.problems and count < rules.min_documents:
        yield InputProblem(labels.documents_place, f"{count} documents; at least {rules.min_documents} are needed")
    if count > rules.max_documents:
        yield InputProblem(labels.documents_place, f"{count} documents; {rules.max_documents} are allowed")
    known = ", ".join(sorted(rules.languages)[:7])
    more = f" and {len(rules.languages) - 7} more" if len(rules.languages) > 7 else ""
    seen: dict[str, str] = {}
    for place, document in labels.placed.items():
        first = seen.setdefault(document.location, place)
        if first != place:
            yield InputProblem(place, f"{quoted(document.location)} occurs twice, first at {first}")
        if len(set(document.classes)) != len(document.classes):
            yield InputProblem(place, f"{quoted(document.location)} has a class twice")
        if document.language and not rules.knows_language(document.language):
            what = f"{quoted(document.language)} is not a language of this API version ({known}{more})"
            yield InputProblem(place, what)


def _check_training(labels: LabelsFile, rules: LabelRules) -> Iterator[InputProblem]:
    """Is there something to train each class on?"""
    if not labels.placed or len(labels.classes) > rules.max_classes:
        return
    training = [document for document in labels.placed.values() if document.dataset != GOLDEN]
    if not training:
        what = (
            "every document is in the dataset Test, and none is left to train on; write Train for most, or no dataset"
        )
        yield InputProblem(labels.documents_place, what)
        return
    trained = {name for document in training for name in document.classes}
    tested = {name for document in labels.placed.values() for name in document.classes}
    for number, name in enumerate(labels.classes):
        if name in trained:
            continue
        if name in tested:
            what = f"every document of {quoted(name)} is in the dataset Test, and none trains it; write Train for some"
        else:
            what = f"no document has the class {quoted(name)}; label some, or remove it"
        yield InputProblem(f"{labels.names_place}[{number}]", what)


def check_sides(labels: LabelsFile, sides: Split) -> Iterator[InputProblem]:
    """Is there something to train on once the golden documents are set aside? A file that sets all aside is faulty."""
    is_by_file = all(document.dataset == GOLDEN for document in labels.placed.values())
    if labels.placed and not sides.training and not is_by_file:
        what = "every document is golden, and none is left to train on; label more, or write the dataset Train for most"
        yield InputProblem(labels.documents_place, what)


def check_blobs(labels: LabelsFile, sizes: Mapping[str, int], *, container: str) -> Iterator[InputProblem]:
    """Documents that are missing, empty or no .txt. `sizes` are the bytes of the container's blobs by name."""
    alike: dict[str, str] | None = None
    for place, document in labels.placed.items():
        location = document.location
        if location in sizes:
            if not is_document_name(location):
                yield InputProblem(place, f"{quoted(location)} is not a .txt blob")
            elif sizes[location] == 0:
                yield InputProblem(place, f"the blob {quoted(location)} is empty")
            continue
        if alike is None:
            alike = {form: name for name in sizes for form in _forms_of(name)}
        near = next((alike[form] for form in _forms_of(location, container=container) if form in alike), None)
        if near is None and not is_document_name(location):
            yield InputProblem(place, f"{quoted(location)} is not a .txt blob")
        else:
            yield InputProblem(place, f"the container has no blob {quoted(location)}{_instead(location, near=near)}")


def _forms_of(name: str, *, container: str | None = None) -> Iterator[str]:
    """What a blob's name may have become in a labels file: equal forms mean that the one may be meant by the other.

    Only what a person does not see: letter case, Unicode form, spaces at the ends, `./`, `/`, backslashes, escapes,
    the container or the whole address in front, and UTF-8 that was unpacked from a zip as code page 437.
    """
    plain = _plain_form(name)
    yield plain
    if container is None:
        try:
            yield _plain_form(name.encode("cp437").decode("utf-8"))
        except UnicodeError:
            return
        return
    without = re.sub(r"^https?://[^/]*/", "", plain)
    for each in dict.fromkeys((without, _plain_form(unquote(without)))):
        yield each
        yield each.removeprefix(f"{container.casefold()}/")


def _plain_form(name: str) -> str:
    composed = unicodedata.normalize("NFC", name[:2_000]).casefold().strip().replace("\\", "/")
    if "://" in composed:
        return composed
    return "/".join(part for part in composed.split("/") if part not in ("", "."))


def _instead(location: str, *, near: str | None) -> str:
    if near is None:
        return ""
    same_form = unicodedata.normalize("NFC", near) == unicodedata.normalize("NFC", location)
    if same_form:  # they look the same on every screen
        return (
            f"; it has {near!a}, the same name in another Unicode form: write it as JSON does with escapes, "
            "or upload the document under the labelled name"
        )
    return f"; it has {quoted(near)}"


def warn_of(labels: LabelsFile, sides: Split, kind: ProjectKind) -> list[InputProblem]:
    """What does not keep a file without problems from being trained, and may not be meant."""
    return [*_warn_of_classes(labels, sides), *_warn_of_documents(labels, kind)]


def _warn_of_classes(labels: LabelsFile, sides: Split) -> Iterator[InputProblem]:
    numbers = {name: number for number, name in enumerate(labels.classes)}
    # Without a golden document no model is judged by any, which is for the caller to say.
    least_golden = LEAST_GOLDEN if sides.golden else 0
    for each in missing_sides(sides, labels.classes, training=ADVISED_LABELS, golden=least_golden):
        place = f"{labels.names_place}[{numbers[each.name]}]"
        what = f"{quoted(each.name)} labels {each.has}"
        if each.is_golden:
            what += f" golden documents; models are judged by {LEAST_GOLDEN} of a class at least"
        else:
            what += f" documents to train on; the service advises {ADVISED_LABELS} at least"
        yield InputProblem(place, f"{what}: {each.missing} missing")
    for number, name in enumerate(labels.classes):
        if not _PLAIN.fullmatch(name):
            what = "the service's page allows the letters a to z; whether class names may have others is not documented"
            yield InputProblem(f"{labels.names_place}[{number}]", what)


def warn_of_near_duplicates(labels: LabelsFile, found: Iterable[NearDuplicate[str]]) -> Iterator[InputProblem]:
    """Golden documents that are the same as one to train on, or almost; `found` names them by their places."""
    for each in found:
        golden, training = labels.placed[each.one].location, labels.placed[each.other].location
        what = (
            f"the golden document {quoted(golden)} has {'' if each.is_same else 'almost '}the text of "
            f"{quoted(training)}, which is trained on: figures are better than the model is; leave one of them out, "
            "or give both the same dataset"
        )
        yield InputProblem(each.one, what)


def _warn_of_documents(labels: LabelsFile, kind: ProjectKind) -> Iterator[InputProblem]:
    unlabelled = labels.unlabelled
    if unlabelled:
        first = quoted(unlabelled[0].location)
        what = f"{len(unlabelled)} documents have no class, first {first}: the model learns that none fits"
        yield InputProblem(labels.documents_place, what)
    below = [each.location for each in labels.placed.values() if "/" in each.location]
    if below:
        what = (
            f"{len(below)} documents lie in folders, first {quoted(below[0])}; the service's page wants all at the root"
        )
        yield InputProblem(labels.documents_place, what)
    if kind is ProjectKind.MULTI and labels.kind is ProjectKind.SINGLE:
        what = (
            "the file is for a single-label project, and this one is multi-label: it may answer any number of classes"
        )
        yield InputProblem(labels.kind_place, what)
