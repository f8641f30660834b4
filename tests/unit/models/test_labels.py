"""Labels files: every form is read, and every problem is found with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import InputProblem
from shared.language.apis import api_for
from shared.language.authoring_values import LabelledDocument, LabelRules
from shared.language.values import ProjectKind
from shared.models.golden import split
from shared.models.label_checks import check_blobs, check_labels, warn_of
from shared.models.labels import parse_labels
from shared.models.labels_file import LabelsFile, to_july_form

Json = dict[str, Any]

NAMES = ["billing", "shipping"]
LABELS = [["billing"], ["shipping"], ["billing", "shipping"]]


def july(names: list[Any], documents: list[Json]) -> Json:
    return {"intentNames": names, "documents": documents}


def november(names: list[Any], documents: list[Json]) -> Json:
    return {"classifiers": names, "documents": documents}


def project(names: list[Any], documents: list[Json], **assets: Any) -> Json:
    return {"assets": {"classes": names, "documents": documents} | assets}


def in_july(names: list[str], documents: list[list[str]]) -> Json:
    entries = [
        {"location": f"t{number}.txt", "culture": "en-us", "intents": [names.index(each) for each in classes]}
        for number, classes in enumerate(documents)
    ]
    return july(names, entries)


def in_november(names: list[str], documents: list[list[str]]) -> Json:
    entries = [
        {"location": f"t{number}.txt", "language": "en-us", "classifiers": [{"classifierName": each} for each in found]}
        for number, found in enumerate(documents)
    ]
    return november([{"name": name} for name in names], entries)


def in_2022(names: list[str], documents: list[list[str]]) -> Json:
    entries = [
        {"location": f"t{number}.txt", "language": "en-us", "classes": [{"category": each} for each in found]}
        for number, found in enumerate(documents)
    ]
    return project([{"category": name} for name in names], entries)


def in_2022_single(names: list[str], documents: list[list[str]]) -> Json:
    content = in_2022(names, documents)
    for entry in content["assets"]["documents"]:
        found = entry.pop("classes")
        if found:
            entry["class"] = found[0]
    return content


FORMS: dict[str, Callable[[list[str], list[list[str]]], Json]] = {
    "2021-07": in_july,
    "2021-11": in_november,
    "2022-05": in_2022,
}
PLACES = {
    "2021-07": ("intentNames", "documents"),
    "2021-11": ("classifiers", "documents"),
    "2022-05": ("assets.classes", "assets.documents"),
}


def problems_of(content: object) -> list[tuple[str, str]]:
    return [(problem.place, problem.what) for problem in parse_labels(content).problems]


PREVIEW, DATED = api_for("2021-preview").label_rules, api_for("2023-04-01").label_rules

# reading


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_its_classes_and_documents(form: str) -> None:
    labels = parse_labels(FORMS[form](NAMES, LABELS))
    assert labels.classes == NAMES
    assert labels.documents == [
        LabelledDocument(f"t{number}.txt", "en-us", tuple(classes)) for number, classes in enumerate(LABELS)
    ]
    assert labels.problems == []
    names_place, documents_place = PLACES[form]
    assert (labels.names_place, labels.documents_place) == (names_place, documents_place)
    assert list(labels.placed) == [f"{documents_place}[{number}]" for number in range(3)]


def test_a_single_label_project_file_names_one_class_for_each_document() -> None:
    labels = parse_labels(in_2022_single(NAMES, [["billing"], ["shipping"], []]))
    assert [document.classes for document in labels.documents] == [("billing",), ("shipping",), ()]
    assert labels.problems == []


@pytest.mark.parametrize("form", FORMS)
def test_a_document_may_have_no_class_language_or_dataset(form: str) -> None:
    content = FORMS[form](NAMES, [])
    (content.get("assets") or content)["documents"] = [{"location": "t.txt"}]
    labels = parse_labels(content)
    assert labels.documents == [LabelledDocument("t.txt", "", (), None)]
    assert labels.problems == []


OPTIONAL: dict[str, tuple[Json, str, str | None]] = {
    "a culture": ({"culture": "de"}, "de", None),
    "a language": ({"language": "de"}, "de", None),
    "a language before a culture": ({"language": "de", "culture": "fr"}, "de", None),
    "no language": ({"language": None}, "", None),
    "a dataset": ({"dataset": "Test"}, "", "Test"),
    "a dataset in other letters": ({"dataset": "tRAIN"}, "", "Train"),
    "no dataset": ({"dataset": None}, "", None),
    "an empty dataset": ({"dataset": ""}, "", None),
}


@pytest.mark.parametrize("case", OPTIONAL)
def test_language_and_dataset_are_taken_where_they_are_texts(case: str) -> None:
    extra, language, dataset = OPTIONAL[case]
    (document,) = parse_labels(july(NAMES, [{"location": "t.txt"} | extra])).documents
    assert (document.language, document.dataset) == (language, dataset)


NO_FORM: dict[str, tuple[object, str]] = {
    "a list": ([], "the labels file is not a JSON object"),
    "nothing": (None, "the labels file is not a JSON object"),
    "a text": ("intentNames", "the labels file is not a JSON object"),
    "an empty object": ({}, "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05)"),
    "intentNames in capitals": (
        {"IntentNames": ["a"], "documents": []},
        "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05); "
        "write 'intentNames' for 'IntentNames'",
    ),
    "assets without their wrapping": (
        {"classes": [{"category": "a"}], "documents": []},
        "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05); "
        "classes and documents belong into assets",
    ),
}


def test_assets_that_are_no_object_are_the_one_problem() -> None:
    assert problems_of({"assets": []}) == [("assets", "a list where an object is expected")]


@pytest.mark.parametrize("case", NO_FORM)
def test_what_has_no_form_is_one_problem_of_the_whole_file(case: str) -> None:
    content, what = NO_FORM[case]
    labels = parse_labels(content)
    assert labels == LabelsFile(problems=[InputProblem("", what)])


def document(**entry: Any) -> list[Json]:
    return [{"location": "t.txt"} | entry]


IN_QUOTES = "{} is a number where a text is expected; put it into quotes"
TEXTS = "'other' is not one of the file's classes"
READ_BADLY = {
    # content -> problems
    "no list of names (2021-07)": ({"intentNames": "a", "documents": []}, [("intentNames", "a list is expected")]),
    "no list of names (2021-11)": ({"classifiers": {}, "documents": []}, [("classifiers", "a list is expected")]),
    "no list of names (2022-05)": ({"assets": {"documents": []}}, [("assets.classes", "a list is expected")]),
    "no documents (2021-07)": ({"intentNames": []}, [("documents", "a list is expected")]),
    "no documents (2021-11)": ({"classifiers": [], "documents": None}, [("documents", "a list is expected")]),
    "no documents (2022-05)": (
        {"assets": {"classes": [], "documents": {}}},
        [("assets.documents", "a list is expected")],
    ),
    "names that are no texts": (
        july(["a", 7, ""], []),
        [("intentNames[1]", IN_QUOTES.format("the name")), ("intentNames[2]", "a class needs a name")],
    ),
    "classifiers without a name": (
        november([{"name": "a"}, {"nom": "b"}, "c"], []),
        [
            ("classifiers[1]", "a class needs a name"),
            ("classifiers[2]", 'a text where an object is expected, as {"name": "..."}'),
        ],
    ),
    "classes without a category": (
        project([{"name": "a"}, {"category": "b"}, None], []),
        [
            ("assets.classes[0]", "a class needs a name"),
            ("assets.classes[2]", 'null where an object is expected, as {"category": "..."}'),
        ],
    ),
    "documents without a location": (
        july(NAMES, [{}, {"location": ""}, {"location": 5}, "t.txt", {"location": "t.txt"}]),  # type: ignore[list-item]
        [
            *((f"documents[{number}]", "a document needs a location") for number in range(3)),
            ("documents[3]", "a text where an object with a location is expected"),
        ],
    ),
    "a document without a location in a project file": (
        project([], [{"location": None}]),
        [("assets.documents[0]", "a document needs a location")],
    ),
    "labels that are no list (2021-07)": (
        july(NAMES, document(intents=1)),
        [("documents[0].intents", "a number where a list is expected, as [0]")],
    ),
    "labels that are no list (2021-11)": (
        november([], document(classifiers="a")),
        [("documents[0].classifiers", 'a text where a list is expected, as [{"classifierName": "..."}]')],
    ),
    "labels that are no list (2022-05)": (
        project([], document(classes={"category": "a"})),
        [("assets.documents[0].classes", 'an object where a list is expected, as [{"category": "..."}]')],
    ),
    "indexes that point nowhere": (
        july(NAMES, document(intents=[0, 2, -1, "0", True, 1.0, None, 1])),
        [
            (f"documents[0].intents[{number}]", f"{index!r} is not an index of the 2 intentNames")
            for number, index in [(1, 2), (2, -1), (3, "0"), (4, True), (5, 1.0), (6, None)]
        ],
    ),
    "classifiers that are not in the list": (
        november(
            [{"name": "a"}], document(classifiers=[{"classifierName": "other"}, {"classifierName": "a"}, {"name": "a"}])
        ),
        [
            ("documents[0].classifiers[0]", TEXTS),
            ("documents[0].classifiers[2]", "classifierName is null where a text is expected"),
        ],
    ),
    "classes that are not in the list": (
        project(
            [{"category": "a"}, {"category": ""}],
            document(classes=[{"category": "a"}, {"category": "other"}, "a", {"category": ""}]),
        ),
        [
            ("assets.classes[1]", "a class needs a name"),
            ("assets.documents[0].classes[1]", TEXTS),
            ("assets.documents[0].classes[2]", 'a text where an object is expected, as {"category": "..."}'),
            ("assets.documents[0].classes[3]", "'' is not one of the file's classes"),
        ],
    ),
    "a class that is not in the list": (
        project([{"category": "a"}], document(**{"class": {"category": "other"}})),
        [("assets.documents[0].class", TEXTS)],
    ),
}


@pytest.mark.parametrize("case", READ_BADLY)
def test_what_cannot_be_read_is_a_problem_at_its_place_and_the_rest_is_read(case: str) -> None:
    content, problems = READ_BADLY[case]
    assert problems_of(content) == problems


def test_labels_that_can_be_read_are_kept_beside_those_that_cannot() -> None:
    assert parse_labels(july(NAMES, document(intents=[1, 9, 0]))).documents[0].classes == ("shipping", "billing")
    labels = parse_labels(
        november([{"name": "a"}], document(classifiers=[{"classifierName": "b"}, {"classifierName": "a"}]))
    )
    assert labels.documents[0].classes == ("a",)


def test_a_name_that_cannot_be_read_moves_no_index() -> None:
    labels = parse_labels(july([None, "shipping"], document(intents=[1])))
    assert labels.classes == ["", "shipping"]
    assert labels.documents[0].classes == ("shipping",)


def test_a_document_that_cannot_be_read_moves_no_place() -> None:
    labels = parse_labels(july(NAMES, [{}, {"location": "t.pdf", "intents": [0, 1]}]))
    assert list(labels.placed) == ["documents[1]"]
    assert [problem.place for problem in labels.kind_fits(ProjectKind.SINGLE)] == ["documents[1]"]
    problems = places_and_texts([*check_blobs(labels, {}, container="training")])
    assert problems == [("documents[1]", "'t.pdf' is not a .txt blob")]


def places_and_texts(problems: list[InputProblem]) -> list[tuple[str, str]]:
    return [(problem.place, problem.what) for problem in problems]


# counts and the kind of project


def test_counts_are_documents_by_class_in_the_order_of_the_file() -> None:
    labels = parse_labels(in_july(["shipping", "billing", "unused"], [["billing"], ["billing", "shipping"], []]))
    assert list(labels.counts.items()) == [("shipping", 1), ("billing", 2), ("unused", 0)]


@pytest.mark.parametrize("form", FORMS)
def test_a_single_label_project_takes_exactly_one_class_for_each_document(form: str) -> None:
    labels = parse_labels(FORMS[form](NAMES, [["billing"], [], ["billing", "shipping"], ["shipping"]]))
    place = PLACES[form][1]
    assert places_and_texts(labels.kind_fits(ProjectKind.SINGLE)) == [
        (f"{place}[1]", "'t1.txt' has 0 classes; a single-label project takes 1"),
        (f"{place}[2]", "'t2.txt' has 2 classes; a single-label project takes 1"),
    ]


def test_a_multi_label_project_takes_any_number_of_classes() -> None:
    assert parse_labels(in_july(NAMES, [[], ["billing"], NAMES])).kind_fits(ProjectKind.MULTI) == []


# limits


def checked(content: Json, sizes: dict[str, int] | None = None, rules: LabelRules = PREVIEW) -> list[tuple[str, str]]:
    labels = parse_labels(content)
    found = {each.location: 1 for each in labels.documents} if sizes is None else sizes
    return places_and_texts([*check_labels(labels, rules), *check_blobs(labels, found, container="training")])


def warned(content: Json, kind: ProjectKind = ProjectKind.MULTI) -> list[tuple[str, str]]:
    labels = parse_labels(content)
    return places_and_texts(warn_of(labels, split(labels.documents, percent=0), kind))


def classes_of(count: int, *, each: int = 10, form: str = "2021-07") -> Json:
    """A file of `count` classes, each of which labels `each` documents of its own."""
    names = [f"class{number}" for number in range(count)]
    return FORMS[form](names, [[name] for name in names for _ in range(each)])


@pytest.mark.parametrize("form", FORMS)
def test_a_file_within_all_limits_has_no_problem(form: str) -> None:
    assert checked(classes_of(2, form=form)) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("count", "is_allowed"), [(0, False), (1, False), (2, True), (3, True), (199, True), (200, True), (201, False)]
)
def test_2_to_200_classes_are_allowed(form: str, count: int, is_allowed: bool) -> None:
    place = PLACES[form][0]
    told = [problem for problem in checked(classes_of(count, form=form)) if problem[0] == place]
    assert told == ([] if is_allowed else [(place, f"{count} classes; 2 to 200 are allowed")])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rules", [PREVIEW, DATED], ids=["preview", "dated"])
@pytest.mark.parametrize("count", [1, 9, 10])
def test_few_documents_of_a_class_are_a_warning_and_no_problem(form: str, rules: LabelRules, count: int) -> None:
    content = FORMS[form](NAMES, [["billing"]] * 12 + [["shipping"]] * count)
    assert checked(content, rules=rules) == []
    missing = f"the service advises 10 at least: {10 - count} missing"
    what = f"'shipping' labels {count} documents to train on; {missing}"
    assert warned(content) == ([] if count >= 10 else [(f"{PLACES[form][0]}[1]", what)])


@pytest.mark.parametrize("form", FORMS)
def test_a_class_of_no_document_is_a_problem(form: str) -> None:
    what = "no document has the class 'shipping'; label some, or remove it"
    assert checked(FORMS[form](NAMES, [["billing"]] * 12)) == [(f"{PLACES[form][0]}[1]", what)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("count", "is_enough"), [(9, False), (10, True), (11, True)])
def test_a_file_needs_10_documents(form: str, count: int, is_enough: bool) -> None:
    place = PLACES[form][1]
    told = [problem for problem in checked(FORMS[form](NAMES, [NAMES] * count)) if problem[0] == place]
    assert told == ([] if is_enough else [(place, f"{count} documents; at least 10 are needed")])


IN_BOTH = ["a", "A_b.c", "Größe", "x" * 50, "[a]", "a@b,c^d\\e", "発注"]
DATED_ONLY = ["follow-up", "Unpaid bill", "it's", "a,b;c", "a=b", '"', "a!", "\N{GRINNING FACE}"]
PREVIEW_ONLY = ["C#"]
IN_NEITHER = [
    "x" * 51,
    "a\tb",
    "a\nb",
    "a\x85b",
    "a\u2028b",
    " a",
    "a ",
    "\ud800",
    *(f"a{each}b" for each in ":$&%*()+~/?"),
]
IN_WORDS = {
    "preview": "1 to 50 letters, digits, and @ # _ . , ^ \\ [ ], no space",
    "dated": "1 to 50 characters, none of : $ & % * ( ) + ~ # / ?",
}
RULES = {"preview": PREVIEW, "dated": DATED}


@pytest.mark.parametrize(
    ("version", "name"),
    [(version, name) for version in RULES for name in IN_BOTH]
    + [("preview", name) for name in PREVIEW_ONLY]
    + [("dated", name) for name in DATED_ONLY],
)
def test_a_class_name_of_the_version_s_characters_is_allowed(version: str, name: str) -> None:
    assert checked(in_july(["first", name], [["first", name]] * 10), rules=RULES[version]) == []


@pytest.mark.parametrize(
    ("version", "name"),
    [(version, name) for version in RULES for name in IN_NEITHER]
    + [("preview", name) for name in DATED_ONLY]
    + [("dated", name) for name in PREVIEW_ONLY],
)
def test_any_other_class_name_is_a_problem_at_its_place_and_says_the_rule(version: str, name: str) -> None:
    what = f"{name!r} is not a class name ({IN_WORDS[version]})"
    if version == "dated" and name.strip(" ") != name:
        what = f"{name!r} begins or ends with a space"
    assert checked(in_july(["first", name], [["first", name]] * 10), rules=RULES[version]) == [("intentNames[1]", what)]


def test_a_name_that_occurs_twice_is_a_problem_at_each_repetition_and_the_names_after_it_are_checked() -> None:
    names = ["billing", "billing", "b/c", "billing"]
    content = july(names, [{"location": f"t{number}.txt", "intents": [0, 2]} for number in range(10)])
    assert checked(content) == [
        ("intentNames[1]", "'billing' occurs twice"),
        ("intentNames[2]", f"'b/c' is not a class name ({IN_WORDS['preview']})"),
        ("intentNames[3]", "'billing' occurs twice"),
    ]


def test_letters_outside_a_to_z_are_a_warning_because_the_page_names_no_others() -> None:
    assert [place for place, _ in warned(in_july(["first", "Größe"], [["first", "Größe"]] * 10))] == ["intentNames[1]"]


def test_a_class_without_a_name_is_told_once_and_not_what_follows_from_it() -> None:
    content = july(
        ["billing", "", "shipping"], [{"location": f"t{number}.txt", "intents": [0]} for number in range(10)]
    )
    assert checked(content) == [("intentNames[1]", "a class needs a name")]


# documents


def ten(**changes: Json) -> Json:
    """Ten documents of both classes; `changes` by number, as `_3={"location": ...}`."""
    content = in_july(NAMES, [NAMES] * 10)
    for number, change in changes.items():
        content["documents"][int(number[1:])] |= change
    return content


SIZES = {f"t{number}.txt": 1 for number in range(10)} | {"T.TXT": 1, "empty.txt": 0, "t.pdf": 1}

ODD_DOCUMENTS = {
    "a suffix in capitals is a .txt": (ten(_3={"location": "T.TXT"}), []),
    "another suffix": (ten(_3={"location": "t.pdf"}), [("documents[3]", "'t.pdf' is not a .txt blob")]),
    "a blob that is not there": (
        ten(_4={"location": "gone.txt"}),
        [("documents[4]", "the container has no blob 'gone.txt'")],
    ),
    "an empty blob": (ten(_5={"location": "empty.txt"}), [("documents[5]", "the blob 'empty.txt' is empty")]),
    "a location that occurs three times": (
        ten(_2={"location": "t1.txt"}, _7={"location": "t1.txt"}),
        [
            ("documents[2]", "'t1.txt' occurs twice, first at documents[1]"),
            ("documents[7]", "'t1.txt' occurs twice, first at documents[1]"),
        ],
    ),
    "a class that occurs twice": (ten(_0={"intents": [0, 1, 0]}), [("documents[0]", "'t0.txt' has a class twice")]),
    "two problems of one document": (
        ten(_6={"location": "empty.txt", "intents": [0, 1, 1]}),
        [("documents[6]", "'empty.txt' has a class twice"), ("documents[6]", "the blob 'empty.txt' is empty")],
    ),
}


@pytest.mark.parametrize("case", ODD_DOCUMENTS)
def test_an_odd_document_is_a_problem_at_its_place(case: str) -> None:
    content, problems = ODD_DOCUMENTS[case]
    assert checked(content, SIZES) == problems


def test_all_problems_are_told_at_once_and_not_what_follows_from_those_of_the_reading() -> None:
    content = july(["billing"], [{"location": "gone.txt", "culture": "xx", "intents": [0, 4]}])
    assert checked(content, {}) == [
        ("documents[0].intents[1]", "4 is not an index of the 1 intentNames"),
        ("intentNames", "1 classes; 2 to 200 are allowed"),
        (
            "documents[0]",
            "'xx' is not a language of this API version (de-de, en-us, es-es, fr-fr, it-it, pt-br, pt-pt)",
        ),
        ("documents[0]", "the container has no blob 'gone.txt'"),
    ]


def test_a_file_of_one_document_says_how_many_are_needed() -> None:
    assert checked(july(NAMES, [{"location": "t0.txt", "intents": [0, 1]}])) == [
        ("documents", "1 documents; at least 10 are needed")
    ]


# writing


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_written_as_2021_07_and_read_back_the_same(form: str) -> None:
    labels = parse_labels(FORMS[form](["shipping", "Größe"], [["Größe", "shipping"], [], ["shipping"]]))
    again = parse_labels(json.loads(to_july_form(labels)))
    assert (again.classes, again.documents, again.problems) == (labels.classes, labels.documents, [])


def test_the_written_form_is_readable_utf_8() -> None:
    content = july(
        ["Größe", "b"],
        [
            {"location": "a.txt", "culture": "de", "intents": [1, 0], "dataset": "Test"},
            {"location": "b.txt", "intents": [], "dataset": ""},
        ],
    )
    written = to_july_form(parse_labels(content))
    assert "Größe".encode() in written
    assert len(written.splitlines()) > 10, "one value a line, so that two files can be compared"
    assert written.splitlines()[1].startswith(b' "intentNames"')
    assert json.loads(written) == july(
        ["Größe", "b"],
        [
            {"location": "a.txt", "culture": "de", "intents": [1, 0], "dataset": "Test"},
            {"location": "b.txt", "culture": "", "intents": []},
        ],
    )
