"""Every text that a labels file can get, whole and at its place: the exact answer for each odd file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest

from shared.errors import InputProblem
from shared.language.authoring_values import LabelRules
from shared.language.values import ProjectKind
from shared.models.golden import split
from shared.models.label_checks import check_blobs, check_labels, fold, warn_of
from shared.models.labels import MAX_ENTRIES, MAX_PROBLEMS, parse_labels
from tests.unit.models.test_labels import DATED, NAMES, PREVIEW, in_2022, in_july, in_november

Json = dict[str, Any]
Said = tuple[tuple[str, str], ...]

SINGLE, MULTI = ProjectKind.SINGLE, ProjectKind.MULTI
TEN = [NAMES] * 10  # documents of both classes: nothing is wrong with them, and nothing doubtful


@dataclass(frozen=True)
class Case:
    """A labels file, and the whole answer to it. Warnings are given for a file without problems alone."""

    content: object
    problems: Said = ()
    warnings: Said = ()
    kind: ProjectKind = MULTI
    rules: LabelRules = DATED
    sizes: dict[str, int] | None = None  # of the container's blobs; None: those that the file names


def said(case: Case) -> tuple[Said, Said]:
    """Problems and warnings, put together as `Projects.put_labels` does."""
    labels = parse_labels(case.content)
    sizes = {each.location: 1 for each in labels.documents} if case.sizes is None else case.sizes
    problems = fold(
        chain(
            check_labels(labels, case.rules),
            labels.kind_fits(case.kind),
            check_blobs(labels, sizes, container="training"),
        )
    )
    warnings = [] if problems else fold(warn_of(labels, split(labels.documents, percent=0), case.kind))
    return pairs(problems), pairs(warnings)


def pairs(problems: list[InputProblem]) -> Said:
    return tuple((each.place, each.what) for each in problems)


# files of ten documents, with a change in the first


def july(**first: Any) -> Json:
    content = in_july(NAMES, TEN)
    content["documents"][0] |= first
    return content


def november(**first: Any) -> Json:
    content = in_november(NAMES, TEN)
    content["documents"][0] |= first
    return content


def project(**first: Any) -> Json:
    content = in_2022(NAMES, TEN)
    content["assets"]["documents"][0] |= first
    return content


def with_assets(**assets: Any) -> Json:
    return {"assets": project()["assets"] | assets}


def without(content: Json, key: str) -> Json:
    """The file without a key of its first document."""
    del content.get("assets", content)["documents"][0][key]
    return content


def listed(*names: Any) -> list[Json]:
    return [{"category": name} for name in names]


def of_kinds(assets: Json, metadata: object) -> Json:
    return with_assets(**assets) | {"metadata": metadata}


def in_datasets(*datasets: str | None, labels: list[list[str]] | None = None) -> Json:
    """Ten documents, of which the first are in these datasets."""
    content = in_2022(NAMES, labels or TEN)
    for document, dataset in zip(content["assets"]["documents"], datasets, strict=False):
        document["dataset"] = dataset
    return content


def limited(**limits: Any) -> LabelRules:
    return dataclasses.replace(DATED, **limits)


def labelled(count: int) -> Json:
    return in_2022(NAMES, [NAMES] * count)


NO_FORM = "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05)"
NO_NAMES = ("classes", "0 classes; 1 to 200 are allowed")
FIRST = "assets.documents[0]"
NO_KEY = "is not a key of a document here; its classes are in"
QUOTES = "is a number where a text is expected; put it into quotes"
LONG = "x" * 200
SEVEN = "aa, bb, cc, dd, ee, en-us, ff"
LANGUAGES = frozenset(SEVEN.split(", "))

THE_FORM = {
    "no object": Case([], (("", "the labels file is not a JSON object"), NO_NAMES)),
    "an empty object": Case({}, (("", NO_FORM), NO_NAMES)),
    "intentNames in another letter case": Case(
        {"INTENTNAMES": []}, (("", f"{NO_FORM}; write 'intentNames' for 'INTENTNAMES'"), NO_NAMES)
    ),
    "classifiers in another letter case": Case(
        {"Classifiers": []}, (("", f"{NO_FORM}; write 'classifiers' for 'Classifiers'"), NO_NAMES)
    ),
    "assets in another letter case": Case({"Assets": {}}, (("", f"{NO_FORM}; write 'assets' for 'Assets'"), NO_NAMES)),
    "intentNames without its plural s": Case(
        {"intentName": []}, (("", f"{NO_FORM}; write 'intentNames' for 'intentName'"), NO_NAMES)
    ),
    "intentNames with dashes": Case(
        {"-intent-names": []}, (("", f"{NO_FORM}; write 'intentNames' for '-intent-names'"), NO_NAMES)
    ),
    "an s in front": Case({"sassets": []}, (("", NO_FORM), NO_NAMES)),
    "two keys that look alike": Case(
        {"Classifier": [], "asset": {}},
        (("", f"{NO_FORM}; write 'classifiers' for 'Classifier'; write 'assets' for 'asset'"), NO_NAMES),
    ),
    "no assets around": Case(
        {"classes": [], "documents": []},
        (("", f"{NO_FORM}; classes and documents belong into assets"), NO_NAMES),
    ),
    "assets that are a list": Case({"assets": []}, (("assets", "a list where an object is expected"), NO_NAMES)),
    "assets that are false": Case(
        {"assets": False}, (("assets", "true or false where an object is expected"), NO_NAMES)
    ),
}

LISTS = {
    "documents that are no list": Case(with_assets(documents=5), (("assets.documents", "a list is expected"),)),
    "documents that are no list, beside a key that looks alike": Case(
        with_assets(documents=5, Documents=[]), (("assets.documents", "a list is expected"),)
    ),
    "documents that are null, beside a key that looks alike": Case(
        with_assets(documents=None, Document=[]),
        (("assets.documents", "a list is expected; write 'documents' for 'Document'"),),
    ),
    "documents beside assets": Case(
        {"assets": {"classes": listed(*NAMES)}, "documents": []},
        (("assets.documents", "a list is expected; 'documents' is beside assets and belongs into it"),),
    ),
    "classes that are no list": Case(with_assets(classes={}), (("assets.classes", "a list is expected"),)),
    "classes in another letter case": Case(
        {"assets": {"Classes": listed(*NAMES), "documents": []}},
        (("assets.classes", "a list is expected; write 'classes' for 'Classes'"),),
    ),
    "as many classes as are read": Case(
        in_2022([f"c{number}" for number in range(MAX_ENTRIES)], []),
        (("assets.classes", "1000 classes; 1 to 200 are allowed"),),
        rules=limited(min_documents=0),
    ),
    "one more class than is read": Case(
        in_2022([f"c{number}" for number in range(MAX_ENTRIES)] + [""], []),
        (("assets.classes", "1001 classes are more than any version takes; the first 1000 were read"),),
        rules=limited(min_documents=0),
    ),
}

KINDS = {
    "a kind that is for something else": Case(
        of_kinds({"projectKind": "CustomEntityRecognition"}, None),
        (("assets.projectKind", "'CustomEntityRecognition' is not a kind of project for text classification"),),
    ),
    "a kind that is a number": Case(
        of_kinds({}, {"modelType": 5}), (("metadata.modelType", "5 is not a kind of project for text classification"),)
    ),
    "kinds that contradict each other": Case(
        of_kinds({"projectKind": "CustomSingleLabelClassification"}, {"projectKind": "CustomMultiLabelClassification"}),
        (("assets.projectKind", "it contradicts metadata.projectKind"),),
    ),
    "a model type that contradicts a kind": Case(
        of_kinds({}, {"projectKind": "CustomMultiLabelClassification", "modelType": "singleClassification"}),
        (("metadata.projectKind", "it contradicts metadata.modelType"),),
    ),
    "kinds that say the same": Case(
        of_kinds({"projectKind": "CustomMultiLabelClassification"}, {"modelType": "MultiClassification"})
    ),
    "a multi-label file in a single-label project": Case(
        of_kinds({}, {"modelType": "multiClassification"}),
        (
            (
                "metadata.modelType",
                "the file is for a multi-label project, and this one is single-label; put it into a multi-label one, "
                "or write CustomSingleLabelClassification and give each document one class",
            ),
        ),
        kind=SINGLE,
    ),
    "a single-label file in a multi-label project": Case(
        of_kinds({}, {"modelType": "singleClassification"}),
        warnings=(
            (
                "metadata.modelType",
                "the file is for a single-label project, and this one is multi-label: "
                "it may answer any number of classes",
            ),
        ),
    ),
    "documents of two classes and of none in a single-label project": Case(
        in_2022(NAMES, [*[["billing"]] * 5, *[["shipping"]] * 5, NAMES, []]),
        (
            ("assets.documents[10]", "'t10.txt' has 2 classes; a single-label project takes 1"),
            ("assets.documents[11]", "'t11.txt' has 0 classes; a single-label project takes 1"),
        ),
        kind=SINGLE,
    ),
    "a document whose label cannot be read, in a single-label project": Case(
        {"assets": in_2022(NAMES, [["billing"], ["shipping"]])["assets"] | {"classes": listed("billing", "other")}},
        (("assets.documents[1].classes[0]", "'shipping' is not one of the file's classes"),),
        kind=SINGLE,
    ),
}

CLASS_NAMES = {
    "the key in another letter case": Case(
        with_assets(classes=[{"Category": "billing"}, {"categories": "shipping"}, {"category": "shipping"}]),
        (
            ("assets.classes[0]", "the key is 'Category'; write 'category'"),
            ("assets.classes[1]", "a class needs a name"),
        ),
    ),
    "the right key beside one that looks alike": Case(
        with_assets(classes=[{"Category": "other", "category": "billing"}, {"category": "shipping"}])
    ),
    "the key with a plural s": Case(
        november() | {"classifiers": [{"names": "billing"}, {"Name": "shipping"}]},
        (
            ("classifiers[0]", "the key is 'names'; write 'name'"),
            ("classifiers[1]", "the key is 'Name'; write 'name'"),
        ),
    ),
    "names that are no texts": Case(
        with_assets(classes=listed(*NAMES, 5, 0.5, True, ["a"], {}, None, "")),
        (
            ("assets.classes[2]", f"category {QUOTES}; also at assets.classes[3]"),
            ("assets.classes[4]", "category is true or false where a text is expected"),
            ("assets.classes[5]", "category is a list where a text is expected"),
            ("assets.classes[6]", "category is an object where a text is expected"),
            ("assets.classes[7]", "a class needs a name; also at assets.classes[8]"),
        ),
    ),
    "names that are no texts, 2021-07": Case(
        july() | {"intentNames": [*NAMES, 5, True]},
        (
            ("intentNames[2]", f"the name {QUOTES}"),
            ("intentNames[3]", "the name is true or false where a text is expected"),
        ),
    ),
    "names without their object": Case(
        with_assets(classes=["billing", None, 5, {"category": "shipping"}]),
        (
            ("assets.classes[0]", 'a text where an object is expected, as {"category": "..."}'),
            ("assets.classes[1]", 'null where an object is expected, as {"category": "..."}'),
            ("assets.classes[2]", 'a number where an object is expected, as {"category": "..."}'),
        ),
    ),
    "names with a sign, a space at the end, and twice, after one that is empty": Case(
        with_assets(classes=listed("", "a/b", "shipping ", "billing", "shipping", "billing")),
        (
            ("assets.classes[0]", "a class needs a name"),
            ("assets.classes[1]", f"'a/b' is not a class name ({DATED.class_name_in_words})"),
            ("assets.classes[2]", "'shipping ' begins or ends with a space"),
            ("assets.classes[5]", "'billing' occurs twice"),
        ),
    ),
    "no class": Case(
        {"assets": {"classes": [], "documents": [{"location": "t.txt"}]}},
        (("assets.classes", "0 classes; 1 to 200 are allowed"),),
        rules=limited(min_documents=1),
    ),
    "letters outside a to z": Case(
        in_2022(["Größe"], [["Größe"]] * 10),
        warnings=(
            (
                "assets.classes[0]",
                "the service's page allows the letters a to z; whether class names may have others is not documented",
            ),
        ),
    ),
}

KNOWN_KEYS = {"location": "t0.txt", "classes": listed(*NAMES)}


def keys(count: int) -> Json:
    """A document of that many keys, all of them unknown but two."""
    return KNOWN_KEYS | {f"k{number}": 1 for number in range(count - len(KNOWN_KEYS))}


DOCUMENTS = {
    "documents that are no objects": Case(
        {"classifiers": [{"name": "a"}], "documents": ["t.txt", None, True, 1, [], "u.txt"]},
        (
            ("documents[0]", "a text where an object with a location is expected; also at documents[5]"),
            ("documents[1]", "null where an object with a location is expected"),
            ("documents[2]", "true or false where an object with a location is expected"),
            ("documents[3]", "a number where an object with a location is expected"),
            ("documents[4]", "a list where an object with a location is expected"),
        ),
    ),
    "no location": Case(without(project(), "location"), ((FIRST, "a document needs a location"),)),
    "an empty location": Case(project(location=""), ((FIRST, "a document needs a location"),)),
    "the location in another letter case": Case(
        without(project(Location="t0.txt"), "location"), ((FIRST, "the key is 'Location'; write 'location'"),)
    ),
    "keys that look alike": Case(
        project(Locations="t.txt", LANGUAGE="en-us", data_set="Test", Class=[]),
        (
            (FIRST, "the key is 'Locations'; write 'location'"),
            (FIRST, "the key is 'LANGUAGE'; write 'language'"),
            (FIRST, "the key is 'data_set'; write 'dataset'"),
            (FIRST, "the key is 'Class'; write 'class'"),
        ),
    ),
    "keys of another form, 2021-07": Case(july(classes=[]), (("documents[0]", f"'classes' {NO_KEY} intents"),)),
    "keys of another form, 2021-11": Case(november(intents=[]), (("documents[0]", f"'intents' {NO_KEY} classifiers"),)),
    "keys of another form, 2022-05": Case(
        project(intents=[], slocation=1),
        ((FIRST, f"'intents' {NO_KEY} class or classes"), (FIRST, f"'slocation' {NO_KEY} class or classes")),
    ),
    "one more key than is read": Case(
        with_assets(documents=[keys(MAX_ENTRIES + 1)]), ((FIRST, "1001 keys in one document; it has 6 at most"),)
    ),
    "one more key than is read, 2021-07": Case(
        july(**{f"k{number}": 1 for number in range(MAX_ENTRIES)}),
        (("documents[0]", "1003 keys in one document; it has 5 at most"),),
    ),
    "languages that are no texts": Case(
        without(project(culture=5), "language"),
        ((f"{FIRST}.culture", "a number where a language is expected, as 'en-us'"),),
    ),
    "a language that is a list, before a culture": Case(
        project(language=[], culture="en-us"),
        ((f"{FIRST}.language", "a list where a language is expected, as 'en-us'"),),
    ),
    "a dataset of another name": Case(
        project(dataset="Validation"),
        (
            (
                f"{FIRST}.dataset",
                "the dataset is 'Validation'; it is Train or Test, or left out for a split at random",
            ),
        ),
    ),
    "a dataset that is a list": Case(
        project(dataset=[]),
        ((f"{FIRST}.dataset", "the dataset is a list; it is Train or Test, or left out for a split at random"),),
    ),
    "a location and a class that occur twice": Case(
        project(location="t1.txt", classes=listed("billing", "shipping", "billing")),
        (
            (FIRST, "'t1.txt' has a class twice"),
            ("assets.documents[1]", "'t1.txt' occurs twice, first at assets.documents[0]"),
        ),
    ),
    "documents without a class": Case(
        in_2022(NAMES, [[], *TEN, []]),
        warnings=(("assets.documents", "2 documents have no class, first 't0.txt': the model learns that none fits"),),
    ),
    "documents in folders": Case(
        in_july(NAMES, TEN)
        | {"documents": [each | {"location": f"sub/{each['location']}"} for each in in_july(NAMES, TEN)["documents"]]},
        warnings=(
            (
                "documents",
                "10 documents lie in folders, first 'sub/t0.txt'; the service's page wants all at the root",
            ),
        ),
    ),
    "few documents of the classes": Case(
        in_2022(NAMES, [["billing"]] * 9 + [["shipping"]]),
        warnings=(
            (
                "assets.classes[0]",
                "'billing' labels 9 documents to train on; the service advises 10 at least: 1 missing",
            ),
            (
                "assets.classes[1]",
                "'shipping' labels 1 documents to train on; the service advises 10 at least: 9 missing",
            ),
        ),
    ),
}

LABELS = {
    "labels that are no list": Case(
        project(classes="billing"), ((f"{FIRST}.classes", 'a text where a list is expected, as [{"category": "..."}]'),)
    ),
    "labels that are no list, 2021-11": Case(
        november(classifiers={}),
        (("documents[0].classifiers", 'an object where a list is expected, as [{"classifierName": "..."}]'),),
    ),
    "labels that are no list, 2021-07": Case(
        july(intents=1), (("documents[0].intents", "a number where a list is expected, as [0]"),)
    ),
    "as many labels as are read": Case(
        july(intents=[0] * MAX_ENTRIES), (("documents[0]", "'t0.txt' has a class twice"),)
    ),
    "one more label than is read": Case(
        july(intents=[0] * (MAX_ENTRIES + 1)), (("documents[0].intents", "1001 classes of one document"),)
    ),
    "one more label than is read, single label": Case(
        {
            "classifiers": [{"name": "billing"}],
            "documents": november(classifiers=[{}] * (MAX_ENTRIES + 1))["documents"][:1],
        },
        (("documents[0].classifiers", "1001 classes of one document"),),
        kind=SINGLE,
    ),
    "class and classes": Case(
        project(**{"class": listed("billing")}), ((FIRST, "a document has class or classes, and this one has both"),)
    ),
    "class as a list of two": Case(
        without(project(**{"class": listed(*NAMES)}), "classes"),
        ((f"{FIRST}.class", "class is for one class, and this list has several; write classes"),),
    ),
    "class as a list of one that is unknown": Case(
        without(project(**{"class": listed("other")}), "classes"),
        ((f"{FIRST}.class[0]", "'other' is not one of the file's classes"),),
    ),
    "class as a list of one text": Case(
        without(project(**{"class": ["billing"]}), "classes"),
        ((f"{FIRST}.class[0]", 'a text where an object is expected, as {"category": "..."}'),),
    ),
    "class as a list of none": Case(
        without(project(**{"class": []}), "classes"),
        warnings=(
            (
                "assets.classes[0]",
                "'billing' labels 9 documents to train on; the service advises 10 at least: 1 missing",
            ),
            (
                "assets.classes[1]",
                "'shipping' labels 9 documents to train on; the service advises 10 at least: 1 missing",
            ),
            ("assets.documents", "1 documents have no class, first 't0.txt': the model learns that none fits"),
        ),
    ),
    "class as a text": Case(
        without(project(**{"class": "billing"}), "classes"),
        ((f"{FIRST}.class", 'a text where an object is expected, as {"category": "..."}'),),
    ),
    "labels with the key in another letter case": Case(
        november(classifiers=[{"ClassifierName": "billing"}]),
        (("documents[0].classifiers[0]", "the key is 'ClassifierName'; write 'classifierName'"),),
    ),
    "labels that are no texts": Case(
        project(classes=listed(5, True, None)),
        (
            (f"{FIRST}.classes[0]", f"category {QUOTES}"),
            (f"{FIRST}.classes[1]", "category is true or false where a text is expected"),
            (f"{FIRST}.classes[2]", "category is null where a text is expected"),
        ),
    ),
    "labels that differ in a plural s, a sign, and a letter in front": Case(
        project(classes=listed("Billings", "ship-ping", "sbilling")),
        (
            (f"{FIRST}.classes[0]", "'Billings' is not one of the file's classes; 'billing' is"),
            (f"{FIRST}.classes[1]", "'ship-ping' is not one of the file's classes; 'shipping' is"),
            (f"{FIRST}.classes[2]", "'sbilling' is not one of the file's classes"),
        ),
    ),
    "labels that differ after 200 characters": Case(
        {
            "assets": {
                "classes": listed(f"{LONG}a"),
                "documents": [{"location": "t.txt", "classes": listed(f"{LONG}b", f"{LONG[1:]}b")}],
            }
        },
        (
            (f"{FIRST}.classes[0]", f"'{LONG[:99]}… is not one of the file's classes; '{LONG[:99]}… is"),
            (f"{FIRST}.classes[1]", f"'{LONG[:99]}… is not one of the file's classes"),
            ("assets.classes[0]", f"'{LONG[:99]}… is not a class name ({DATED.class_name_in_words})"),
        ),
    ),
    "indexes that point nowhere": Case(
        july(intents=[2, "shipping", "other", True]),
        (
            ("documents[0].intents[0]", "2 is not an index of the 2 intentNames"),
            (
                "documents[0].intents[1]",
                "'shipping' is not an index of the 2 intentNames; write its number there, from 0: 1",
            ),
            ("documents[0].intents[2]", "'other' is not an index of the 2 intentNames"),
            ("documents[0].intents[3]", "True is not an index of the 2 intentNames"),
        ),
    ),
}

NO_OBJECT = "a number where an object with a location is expected"
PLACES = ", ".join(f"assets.documents[{number}]" for number in range(1, 5))
BLOBS_OF_TEN = {f"t{number}.txt": 1 for number in range(10)}


def of_odd_entries(count: int, *others: object) -> Json:
    return with_assets(documents=[5] * count + [*others])


LIMITS = {
    "as few documents as are needed": Case(labelled(10)),
    "one document fewer": Case(labelled(9), (("assets.documents", "9 documents; at least 10 are needed"),)),
    "as many documents as are allowed": Case(labelled(10), rules=limited(max_documents=10)),
    "one document more": Case(
        labelled(11), (("assets.documents", "11 documents; 10 are allowed"),), rules=limited(max_documents=10)
    ),
    "no document": Case(labelled(0), (("assets.documents", "0 documents; at least 10 are needed"),)),
    "as many classes as are allowed, and one without a document": Case(
        in_2022(NAMES, [["billing"]] * 10),
        (("assets.classes[1]", "no document has the class 'shipping'; label some, or remove it"),),
        rules=limited(max_classes=2),
    ),
    "one class more, and one without a document": Case(
        in_2022(NAMES, [["billing"]] * 10),
        (("assets.classes", "2 classes; 1 to 1 are allowed"),),
        rules=limited(max_classes=1),
    ),
    "a language that is none of seven": Case(
        project(language="xx"),
        ((FIRST, f"'xx' is not a language of this API version ({SEVEN})"),),
        rules=limited(languages=LANGUAGES),
    ),
    "a language that is none of eight": Case(
        project(language="xx"),
        ((FIRST, f"'xx' is not a language of this API version ({SEVEN} and 1 more)"),),
        rules=limited(languages=LANGUAGES | {"gg"}),
    ),
    "a language that is none of the dated version's": Case(
        project(language="xx"),
        ((FIRST, "'xx' is not a language of this API version (af, am, ar, as, az, be, bg and 86 more)"),),
    ),
    "as many problems as are read": Case(
        of_odd_entries(MAX_PROBLEMS), ((FIRST, f"{NO_OBJECT}; also at {PLACES} and {MAX_PROBLEMS - 5} more places"),)
    ),
    "a document after as many problems as are read": Case(
        of_odd_entries(MAX_PROBLEMS, {"location": "t.txt", "tags": []}, "u.txt"),
        (
            (FIRST, f"{NO_OBJECT}; also at {PLACES} and {MAX_PROBLEMS - 5} more places"),
            (f"assets.documents[{MAX_PROBLEMS}]", "too many problems; nothing was read from here on"),
        ),
    ),
    "a document after one problem fewer": Case(
        of_odd_entries(MAX_PROBLEMS - 1, {"location": "t.txt", "tags": []}),
        (
            (FIRST, f"{NO_OBJECT}; also at {PLACES} and {MAX_PROBLEMS - 6} more places"),
            (f"assets.documents[{MAX_PROBLEMS - 1}]", f"'tags' {NO_KEY} class or classes"),
        ),
    ),
    "one problem at two places": Case(of_odd_entries(2), ((FIRST, f"{NO_OBJECT}; also at assets.documents[1]"),)),
    "one problem at as many places as are named": Case(of_odd_entries(5), ((FIRST, f"{NO_OBJECT}; also at {PLACES}"),)),
    "one problem at one place more": Case(
        of_odd_entries(6), ((FIRST, f"{NO_OBJECT}; also at {PLACES} and 1 more places"),)
    ),
}

DATASETS = {
    "every document in Test": Case(
        in_datasets(*["Test"] * 10),
        (
            (
                "assets.documents",
                "every document is in the dataset Test, and none is left to train on; "
                "write Train for most, or no dataset",
            ),
        ),
    ),
    "every document in Test, under a version that knows no datasets": Case(
        in_datasets(*["Test"] * 10),
        (
            (
                "assets.documents",
                "every document is in the dataset Test, and none is left to train on; "
                "write Train for most, or no dataset",
            ),
        ),
        rules=PREVIEW,
    ),
    "a class that is in Test alone": Case(
        in_datasets(*["Test"] * 3, labels=[["shipping"]] * 3 + [["billing"]] * 10),
        (
            (
                "assets.classes[1]",
                "every document of 'shipping' is in the dataset Test, and none trains it; write Train for some",
            ),
        ),
    ),
    "a class that is not in Test": Case(
        in_datasets("Test", labels=[["billing"], *TEN]),
        warnings=(
            (
                "assets.classes[0]",
                "'billing' labels 1 golden documents; models are judged by 5 of a class at least: 4 missing",
            ),
            (
                "assets.classes[1]",
                "'shipping' labels 0 golden documents; models are judged by 5 of a class at least: 5 missing",
            ),
        ),
    ),
    "no document in Test": Case(in_datasets(*["Train"] * 10)),
}

CUT = " " * 1_995  # and 5 characters are as many as are compared
BLOBS = {
    "a blob that is no .txt": Case(project(location="t.pdf"), ((FIRST, "'t.pdf' is not a .txt blob"),)),
    "a document that is no .txt and no blob": Case(
        project(location="t.pdf"), ((FIRST, "'t.pdf' is not a .txt blob"),), sizes=BLOBS_OF_TEN
    ),
    "an empty blob": Case(project(), ((FIRST, "the blob 't0.txt' is empty"),), sizes=BLOBS_OF_TEN | {"t0.txt": 0}),
    "no blob": Case(
        project(location="gone.txt"), ((FIRST, "the container has no blob 'gone.txt'"),), sizes=BLOBS_OF_TEN
    ),
    "a blob in another letter case": Case(
        project(location="T0.txt"),
        ((FIRST, "the container has no blob 'T0.txt'; it has 't0.txt'"),),
        sizes=BLOBS_OF_TEN,
    ),
    "a blob in another Unicode form": Case(
        project(location="Mädchen.txt"),
        (
            (
                FIRST,
                "the container has no blob 'Mädchen.txt'; it has 'Ma\\u0308dchen.txt', the same name in another "
                "Unicode form: write it as JSON does with escapes, or upload the document under the labelled name",
            ),
        ),
        sizes=BLOBS_OF_TEN | {"Ma\u0308dchen.txt": 1},
    ),
    "a location as long as is compared": Case(
        project(location=f"{CUT}a.txt"),
        ((FIRST, f"the container has no blob '{' ' * 99}…; it has 'a.txt'"),),
        sizes=BLOBS_OF_TEN | {"a.txt": 1},
    ),
    "a location that is one character longer": Case(
        project(location=f"{CUT}ab.txt"),
        ((FIRST, f"'{' ' * 99}… is not a .txt blob"),),
        sizes=BLOBS_OF_TEN | {"ab.txt": 1},
    ),
}

CASES = THE_FORM | LISTS | KINDS | CLASS_NAMES | DOCUMENTS | LABELS | LIMITS | DATASETS | BLOBS


@pytest.mark.parametrize("case", CASES)
def test_an_odd_file_gets_exactly_these_texts_at_these_places(case: str) -> None:
    assert said(CASES[case]) == (CASES[case].problems, CASES[case].warnings)


def test_no_two_rows_have_one_name() -> None:
    rows = [THE_FORM, LISTS, KINDS, CLASS_NAMES, DOCUMENTS, LABELS, LIMITS, DATASETS, BLOBS]
    assert len(CASES) == sum(len(each) for each in rows)


# what the texts do not show


def test_a_name_that_is_no_text_is_known_as_it_is_written_and_any_other_as_no_name() -> None:
    names = [*listed(5, 0.5, True, ["a"], {"a": 1}, None), "billing", 5, None, ["a"]]
    assert parse_labels(with_assets(classes=names)).classes == ["5", "0.5", "True", "", "", "", "billing", "", "", ""]


def test_a_name_under_a_key_that_looks_alike_is_known() -> None:
    assert parse_labels(with_assets(classes=[{"Category": "billing"}])).classes == ["billing"]


def test_classes_beyond_those_that_are_read_are_unknown() -> None:
    names = [f"c{number}" for number in range(MAX_ENTRIES + 1)]
    assert parse_labels(in_2022(names, [])).classes == names[:MAX_ENTRIES]


def test_a_document_of_as_many_keys_as_are_read_has_each_reported() -> None:
    labels = parse_labels(with_assets(documents=[keys(MAX_ENTRIES)]))
    assert len(labels.problems) == MAX_ENTRIES - len(KNOWN_KEYS)


def test_a_file_that_says_no_kind_says_it_nowhere() -> None:
    labels = parse_labels(of_kinds({}, {}))
    assert (labels.kind, labels.kind_place) == (None, "")


def test_the_documents_of_which_something_could_not_be_read_are_known_by_their_places() -> None:
    documents = [*project(classes=listed("other"), dataset="x")["assets"]["documents"][:2], "t.txt"]
    assert parse_labels(with_assets(documents=documents)).unread == {FIRST, "assets.documents[2]"}
