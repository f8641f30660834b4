"""Labels files as customers of every generation have them, and as they get them wrong: own texts.

Each is for a container that holds BLOBS. `tests/unit/models/test_label_cases.py` puts them on fakes, and
`tests/e2e/test_labels_are_trained.py` puts, imports and trains the accepted ones on the emulator.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.language.values import ProjectKind

Json = dict[str, Any]

SINGLE, MULTI = ProjectKind.SINGLE, ProjectKind.MULTI
FIRST, SECOND = "billing", "shipping"
NAMES = [f"{letter}{number}.txt" for letter in "ab" for number in range(12)]
WORDS = {
    "a": "please refund the invoice, the charge on my card and the tax are wrong",
    "b": "the courier left my parcel at the depot, and the tracking says it arrived",
}
DECOMPOSED = "Ma\u0308dchen.txt"
GARBLED = "Mädchen.txt".encode().decode("cp437")
# No two are almost the same: each has 40 words of its own.
OWN = {name: " ".join(f"{name[:-4]}x{number}" for number in range(40)) for name in NAMES}
BLOBS: dict[str, str] = {name: f"{WORDS[name[0]]} {OWN[name]}" for name in NAMES} | {
    "sub/a.txt": WORDS["a"],
    "long.txt": "invoice " * 3_000,
    "very-long.txt": "invoice " * 20_000,
}


def july(**changes: Any) -> Json:
    documents = [{"location": name, "culture": "en-us", "intents": ["ab".index(name[0])]} for name in NAMES]
    return {"intentNames": [FIRST, SECOND], "documents": documents} | changes


def november() -> Json:
    documents = [
        {"location": name, "language": "en-us", "classifiers": [{"classifierName": class_of(name)}]} for name in NAMES
    ]
    return {"classifiers": [{"name": FIRST}, {"name": SECOND}], "documents": documents}


def november_preview() -> Json:
    """2021-11-01-preview: an export's `assets` in the words of November 2021."""
    metadata = {"name": "letters", "multiLingual": True, "modelType": "multiClassification", "language": "en-us"}
    return {"api-version": "2021-11-01-preview", "metadata": metadata, "assets": november()}


def project_file(*, kind: str = "CustomMultiLabelClassification", first: Any = FIRST, second: Any = SECOND) -> Json:
    """2022-05 and later, as the documentation and exports show it."""
    key: Callable[[Any], Json] = (
        (lambda name: {"class": {"category": name}})
        if "single" in kind.lower()
        else (lambda name: {"classes": [{"category": name}]})
    )
    documents = [{"location": name, "language": "en-us"} | key(first if name[0] == "a" else second) for name in NAMES]
    metadata = {
        "projectKind": kind,
        "storageInputContainerName": "training",
        "projectName": "letters",
        "multilingual": False,
        "description": "",
        "language": "en-us",
        "settings": {},
    }
    return {
        "projectFileVersion": "2022-05-01",
        "stringIndexType": "Utf16CodeUnit",
        "metadata": metadata,
        "assets": {"projectKind": kind, "classes": [{"category": first}, {"category": second}], "documents": documents},
    }


def class_of(name: str) -> str:
    return FIRST if name[0] == "a" else SECOND


def each(change: Callable[[int, Json], object], content: Json | None = None) -> Json:
    """A project file with a change in every document."""
    content = copy.deepcopy(content or project_file())
    for number, document in enumerate(content["assets"]["documents"]):
        change(number, document)
    return content


def only(number: int, **change: Any) -> Json:
    """A project file with a change in one document."""
    return each(lambda at, document: document.update(change) if at == number else None)


def listed(*names: str) -> list[Json]:
    return [{"category": name} for name in names]


def old_2022_03() -> Json:
    """2022-03-01-preview: `api-version`, and no kind in the assets."""
    content = project_file()
    content["api-version"] = content.pop("projectFileVersion")
    del content["assets"]["projectKind"]
    return content


def of_one_class() -> Json:
    content = each(lambda _, document: document.update(classes=listed(FIRST)))
    content["assets"]["classes"] = listed(FIRST)
    return content


@dataclass(frozen=True)
class Accepted:
    """`warnings` are the places of what is doubtful."""

    content: Json
    kind: ProjectKind = MULTI
    versions: tuple[str, ...] = ("2021-preview", "2023-04-01")
    counts: tuple[int, ...] = (12, 12)
    warnings: tuple[str, ...] = ()


def datasets(choose: Callable[[int, str], str | None]) -> Json:
    return each(lambda number, document: document.update(dataset=choose(number, document["location"])))


KINDS = "assets.projectKind"
DOCUMENTS = "assets.documents"
# Two classes of 12 documents each: 9 to train on, of 10, and 3 golden ones, of 5.
FEW_ON_BOTH_SIDES = ("assets.classes[0]", "assets.classes[1]") * 2
ACCEPTED: dict[str, Accepted] = {
    "2021-07": Accepted(july()),
    "2021-07, single label": Accepted(july(), kind=SINGLE),
    "one class": Accepted(of_one_class(), versions=("2023-04-01",), counts=(24,)),
    "2021-11": Accepted(november()),
    "2021-11, single label": Accepted(november(), kind=SINGLE),
    "2021-11-01-preview": Accepted(november_preview()),
    "2022-03-01-preview": Accepted(old_2022_03()),
    "2022-05": Accepted(project_file()),
    "2022-05, kinds with a small letter": Accepted(project_file(kind="customMultiLabelClassification")),
    "2022-05, single label": Accepted(project_file(kind="CustomSingleLabelClassification"), kind=SINGLE),
    "2022-05, single label in a multi-label project": Accepted(
        project_file(kind="CustomSingleLabelClassification"), warnings=(KINDS,)
    ),
    "class as a list of one, as in Microsoft's own sample": Accepted(
        each(
            lambda _, d: d.__setitem__("class", [d.pop("class")]), project_file(kind="CustomSingleLabelClassification")
        ),
        kind=SINGLE,
    ),
    "class as a list of one in a multi-label project": Accepted(
        each(lambda _, d: d.__setitem__("class", d.pop("classes")))
    ),
    "the other key is null": Accepted(each(lambda _, d: d.update({"class": None, "dataset": None}))),
    "culture in place of language": Accepted(each(lambda _, d: d.__setitem__("culture", d.pop("language")))),
    "no language": Accepted(each(lambda _, d: d.pop("language"))),
    "a language in capitals": Accepted(each(lambda _, d: d.update(language="EN-US"))),
    "a language without its region": Accepted(each(lambda _, d: d.update(language="en")), versions=("2023-04-01",)),
    "two of 24 without a class": Accepted(
        each(lambda n, d: d.pop("classes") if n < 2 else None), counts=(10, 12), warnings=(DOCUMENTS,)
    ),
    "few documents of a class": Accepted(
        each(lambda n, d: d.update(classes=listed(SECOND)) if n < 9 else None),
        counts=(3, 21),
        warnings=("assets.classes[0]",),
    ),
    "datasets": Accepted(datasets(lambda n, _: "Test" if n % 4 == 0 else "Train"), warnings=FEW_ON_BOTH_SIDES),
    "datasets in small letters": Accepted(
        datasets(lambda n, _: "test" if n % 4 == 0 else "train"), warnings=FEW_ON_BOTH_SIDES
    ),
    "all Train": Accepted(datasets(lambda _, __: "Train")),
    "no dataset": Accepted(datasets(lambda _, __: "")),
    "a class that is only in Train": Accepted(
        datasets(lambda n, name: "Test" if name[0] == "b" and n % 4 == 0 else "Train"),
        warnings=("assets.classes[1]", *FEW_ON_BOTH_SIDES[2:]),
    ),
    "class names with spaces and dashes": Accepted(
        project_file(first="Unpaid bill", second="follow-up"), versions=("2023-04-01",)
    ),
    "class names with the preview's signs": Accepted(
        project_file(first="C#", second="a@b_c.d,e^[1]\\"), versions=("2021-preview",)
    ),
    "class names in other letters": Accepted(
        project_file(first="Größe", second="発注"), warnings=("assets.classes[0]",)
    ),
    "a document in a folder": Accepted(only(0, location="sub/a.txt"), warnings=(DOCUMENTS,)),
    "a document of 24,000 characters": Accepted(only(0, location="long.txt"), versions=("2023-04-01",)),
}


@dataclass(frozen=True)
class Refused:
    """`problems` are the whole answer: place, and words of what is said there."""

    content: Json
    problems: tuple[tuple[str, str], ...]
    kind: ProjectKind = MULTI
    versions: tuple[str, ...] = ("2021-preview", "2023-04-01")


def without_wrapping(content: Json) -> Json:
    content["assets"]["classes"] = [FIRST, SECOND]
    return content


def with_names(*names: Any) -> Json:
    content = project_file()
    content["assets"]["classes"] = [{"category": name} for name in names]
    return content


def moved_out() -> Json:
    content = project_file()
    content["documents"] = content["assets"].pop("documents")
    return content


def renamed(old: str, new: str) -> Json:
    content = project_file()
    content["assets"][new] = content["assets"].pop(old)
    return content


FIRST_OF = "assets.documents[0]"
PREVIEW_ONLY, DATED_ONLY = ("2021-preview",), ("2023-04-01",)
REFUSED: dict[str, Refused] = {
    "class as a list of two": Refused(
        each(lambda n, d: d.__setitem__("class", d.pop("classes") * 2) if n == 0 else None),
        ((f"{FIRST_OF}.class", "this list has several; write classes"),),
    ),
    "class and classes": Refused(only(0, **{"class": {"category": FIRST}}), ((FIRST_OF, "has both"),)),
    "the key in another letter case, two of 24": Refused(
        each(lambda n, d: d.__setitem__("Classes", d.pop("classes")) if n < 2 else None),
        ((FIRST_OF, "the key is 'Classes'; write 'classes'; also at assets.documents[1]"),),
    ),
    "the key in another letter case, all": Refused(
        each(lambda _, d: d.__setitem__("Class", d.pop("classes"))),
        ((FIRST_OF, "the key is 'Class'; write 'class'"),),
    ),
    "category in another letter case": Refused(
        each(lambda _, d: d.update(classes=[{"Category": d["classes"][0]["category"]}])),
        ((f"{FIRST_OF}.classes[0]", "the key is 'Category'; write 'category'"),),
    ),
    "location in another letter case": Refused(
        each(lambda _, d: d.__setitem__("Location", d.pop("location"))),
        ((FIRST_OF, "the key is 'Location'; write 'location'"),),
    ),
    "documents in another letter case": Refused(
        renamed("documents", "Documents"), ((DOCUMENTS, "write 'documents' for 'Documents'"),)
    ),
    "the list of classes in another letter case": Refused(
        renamed("classes", "Classes"), (("assets.classes", "write 'classes' for 'Classes'"),)
    ),
    "a key of another form": Refused(
        each(lambda n, d: d.update(intents=[n % 2])),
        ((FIRST_OF, "'intents' is not a key of a document here; its classes are in class or classes"),),
    ),
    "a key that no form has": Refused(
        each(lambda _, d: d.__setitem__("tags", d.pop("classes"))), ((FIRST_OF, "'tags' is not a key of a document"),)
    ),
    "the classes are texts": Refused(
        without_wrapping(project_file()),
        (("assets.classes[0]", 'a text where an object is expected, as {"category": "..."}'),),
    ),
    "the documents' classes are texts": Refused(
        each(lambda _, d: d.update(classes=[each["category"] for each in d["classes"]])),
        ((f"{FIRST_OF}.classes[0]", 'a text where an object is expected, as {"category": "..."}'),),
    ),
    "the documents' class is a text": Refused(
        each(lambda _, d: d.__setitem__("class", d.pop("classes")[0]["category"])),
        ((f"{FIRST_OF}.class", 'a text where an object is expected, as {"category": "..."}'),),
    ),
    "numbers as categories": Refused(
        project_file(first=0, second=1),
        (("assets.classes[0]", "category is a number where a text is expected; put it into quotes; also at"),),
    ),
    "a category that is null": Refused(with_names(FIRST, SECOND, None), (("assets.classes[2]", "needs a name"),)),
    "a category that is NaN": Refused(
        with_names(FIRST, SECOND, float("nan")), (("assets.classes[2]", "category is a number"),)
    ),
    "names as numbers, 2021-07": Refused(
        july(intentNames=[1, 2]), (("intentNames[0]", "is a number where a text is expected; put it into quotes"),)
    ),
    "names in place of numbers, 2021-07": Refused(
        july(documents=[{"location": name, "intents": [class_of(name)]} for name in NAMES[:12]]),
        (
            (
                "documents[0].intents[0]",
                "'billing' is not an index of the 2 intentNames; write its number there, from 0: 0",
            ),
        ),
    ),
    "a class that is not in the list, but nearly": Refused(
        only(0, classes=listed("Billing")),
        ((f"{FIRST_OF}.classes[0]", "'Billing' is not one of the file's classes; 'billing' is"),),
    ),
    "a class with half a character": Refused(
        project_file(first="\ud800", second=SECOND), (("assets.classes[0]", "'\\ud800' is not a class name"),)
    ),
    "a language that is a list": Refused(
        each(lambda _, d: d.update(language=["en-us"])),
        ((f"{FIRST_OF}.language", "a list where a language is expected, as 'en-us'"),),
    ),
    "unknown languages": Refused(
        each(lambda n, d: d.update(language=["xx", "english"][n % 2])),
        ((FIRST_OF, "'xx' is not a language"), ("assets.documents[1]", "'english' is not a language")),
    ),
    "a language that came later": Refused(
        each(lambda _, d: d.update(language="sv")), ((FIRST_OF, "'sv' is not a language"),), versions=PREVIEW_ONLY
    ),
    "a dataset of another name": Refused(
        datasets(lambda n, _: "Validation" if n % 4 == 0 else "Train"),
        ((f"{FIRST_OF}.dataset", "the dataset is 'Validation'; it is Train or Test"),),
    ),
    "a dataset that is a number": Refused(only(0, dataset=1), ((f"{FIRST_OF}.dataset", "the dataset is 1"),)),
    "all Test": Refused(datasets(lambda _, __: "Test"), ((DOCUMENTS, "none is left to train on"),)),
    "a class only in Test": Refused(
        datasets(lambda _, name: "Test" if name[0] == "b" else "Train"),
        (("assets.classes[1]", "every document of 'shipping' is in the dataset Test"),),
    ),
    "a class without a document": Refused(
        with_names(FIRST, SECOND, "other"), (("assets.classes[2]", "no document has the class 'other'"),)
    ),
    "a class name with a hash": Refused(
        project_file(first="C#"), (("assets.classes[0]", "'C#' is not a class name"),), versions=DATED_ONLY
    ),
    "class names with a dash or a space": Refused(
        project_file(first="follow-up", second="Unpaid bill"),
        (("assets.classes[0]", "'follow-up' is not"), ("assets.classes[1]", "'Unpaid bill' is not")),
        versions=PREVIEW_ONLY,
    ),
    "a multi-label file in a single-label project": Refused(
        project_file(), ((KINDS, "the file is for a multi-label project, and this one is single-label"),), kind=SINGLE
    ),
    "documents of another kind of project": Refused(
        project_file(kind="CustomEntityRecognition"),
        ((KINDS, "'CustomEntityRecognition' is not a kind of project for text classification; also at metadata."),),
    ),
    "a document too long for the preview": Refused(
        only(0, location="long.txt"),
        ((FIRST_OF, "'long.txt' has 24000 characters; the service trains on 17500 at most"),),
        versions=PREVIEW_ONLY,
    ),
    "a document too long for every version": Refused(
        only(0, location="very-long.txt"), ((FIRST_OF, "'very-long.txt' has 160000 characters"),)
    ),
    "documents beside assets": Refused(moved_out(), ((DOCUMENTS, "'documents' is beside assets and belongs into it"),)),
    "a name in another Unicode form": Refused(
        only(0, location="Mädchen.txt"), ((FIRST_OF, "it has 'Ma\\u0308dchen.txt', the same name in another Unicode"),)
    ),
}
for wrong in ("./a0.txt", "/a0.txt", "A0.TXT", " a0.txt", "training/a0.txt", ".\\a0.txt", "a%30.txt"):
    REFUSED[f"a location like {wrong!r}"] = Refused(
        only(0, location=wrong), ((FIRST_OF, f"the container has no blob {wrong!r}; it has 'a0.txt'"),)
    )
REFUSED["a location that is an address"] = Refused(
    only(0, location="https://x.blob.core.windows.net/training/a0.txt"), ((FIRST_OF, "it has 'a0.txt'"),)
)
