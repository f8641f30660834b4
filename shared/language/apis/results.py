"""What the API versions answer alike: classified texts and evaluations, in every spelling seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, PlainValidator, ValidationError, create_model
from pydantic_core import PydanticCustomError

from shared.language.apis.base import Json
from shared.language.apis.wire import (
    NO_ERROR_BODY,
    Answer,
    AsBool,
    AsText,
    CheckedError,
    CheckedErrors,
    IfObject,
    NextPage,
    Number,
    OptionalText,
    Status,
    Time,
    WireModel,
    check_characters,
    parse,
    where_and_how,
)
from shared.language.authoring_values import ClassEvaluation, Evaluation, Project
from shared.language.values import AnalyzeJob, ClassScore, ProjectKind, ServiceError, TextClasses

# What a project may have: its class names are 1 to 50 characters long, and there are 200 of them at most.
MAX_CLASS_NAME = 50
MAX_CLASSES = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _check_class_name(name: str) -> str:
    check_characters(name)
    if not name.strip() or len(name) > MAX_CLASS_NAME or _CONTROL.search(name):
        raise PydanticCustomError("class_name", "no class can be called that")
    return name


_ClassName = Annotated[str, AfterValidator(_check_class_name)]


class _Class(WireModel):
    category: _ClassName
    confidence_score: Annotated[Number, Field(ge=0, le=1)]


def _as_list(value: Json) -> Json:
    return value if isinstance(value, list) else [value]


def _check_classes(classes: list[_Class]) -> list[_Class]:
    """Each class once; the same class with the same confidence is no contradiction."""
    confidences = {each.category: each.confidence_score for each in classes}
    if any(confidences[each.category] != each.confidence_score for each in classes):
        raise PydanticCustomError("contradiction", "a class has two confidences")
    if len(confidences) > MAX_CLASSES:
        raise PydanticCustomError("too_many_classes", "there are more classes than a project may have")
    return list({each.category: each for each in classes}.values())


class _Text(WireModel):
    id: str
    # The dated API and its SDK say `class`, ct.1 and the documentation `classes`, v3.2-preview.2 `classification(s)`.
    classes: Annotated[list[_Class], BeforeValidator(_as_list), AfterValidator(_check_classes)] = Field(
        validation_alias=AliasChoices("class", "classes", "classifications", "classification")
    )
    warnings: CheckedErrors = ()

    def to_value(self) -> TextClasses:
        scores = tuple(ClassScore(each.category, each.confidence_score) for each in self.classes)
        return TextClasses(self.id, scores, self.warnings)


class _TextError(WireModel):
    id: str
    error: CheckedError = NO_ERROR_BODY


class _Malformed(WireModel):
    id: str
    why: str


E = TypeVar("E", bound=WireModel)


def _one_text(model: type[E]) -> Callable[[Json], E | _Malformed]:
    """A reader of one text's entry. What is wrong with it is that text's own, as long as it says whose it is."""

    def read(value: Json) -> E | _Malformed:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            text_id = value.get("id") if isinstance(value, dict) else None
            if not isinstance(text_id, str):
                raise PydanticCustomError("text_without_id", "an entry does not say which text it is about") from None
            return _Malformed(id=text_id, why=where_and_how(error))

    return read


class Results(WireModel):
    documents: list[Annotated[_Text | _Malformed, PlainValidator(_one_text(_Text))]] = Field(default_factory=list)
    errors: list[Annotated[_TextError | _Malformed, PlainValidator(_one_text(_TextError))]] = Field(
        default_factory=list
    )
    # Of the dated API.
    project_name: OptionalText = None
    deployment_name: OptionalText = None


class Task(WireModel):
    results: Annotated[Results | None, IfObject] = None


class AnalyzeJobAnswer(Answer[AnalyzeJob]):
    """An analyze job without its tasks, which every version nests in a way of its own."""

    status: Status
    created: Time = Field(None, validation_alias="createdDateTime")
    updated: Time = Field(None, validation_alias=AliasChoices("lastUpdatedDateTime", "lastUpdateDateTime"))
    expires: Time = Field(None, validation_alias="expirationDateTime")
    errors: CheckedErrors = ()
    next_page: NextPage = Field(None, validation_alias=AliasChoices("@nextLink", "nextLink"))
    job_id: OptionalText = None
    display_name: OptionalText = None

    def all_tasks(self) -> Iterable[Task]:
        raise NotImplementedError

    def to_value(self) -> AnalyzeJob:
        found = [task.results for task in self.all_tasks() if task.results is not None]
        entries = [entry for results in found for entry in (*results.documents, *results.errors)]
        text_errors: dict[str, ServiceError] = {}
        for entry in entries:
            if isinstance(entry, _TextError):
                text_errors.setdefault(entry.id, entry.error)
        return AnalyzeJob(
            status=self.status,
            created=self.created,
            updated=self.updated,
            expires=self.expires,
            texts=tuple(entry.to_value() for entry in entries if isinstance(entry, _Text)),
            text_errors=text_errors,
            malformed={entry.id: entry.why for entry in entries if isinstance(entry, _Malformed)},
            errors=self.errors,
            next_page=self.next_page,
            id=self.job_id,
            display_name=self.display_name,
            project=next((each.project_name for each in found if each.project_name), None),
            deployment=next((each.deployment_name for each in found if each.deployment_name), None),
        )


def _count(what: str) -> AliasChoices:
    """The three spellings of a count: truePositiveCount, countTruePositives, truePositivesCount."""
    lower = what[0].lower() + what[1:]
    return AliasChoices(f"{lower}Count", f"count{what}s", f"{lower}sCount")


# A figure outside its range would pass or fail the gate by itself.
_Share = Annotated[Number, Field(ge=0, le=1)]
_Count = Annotated[Number, Field(ge=0)]


class _ClassFigures(WireModel):
    precision: _Share
    recall: _Share
    f1: _Share
    true_positives: _Count = Field(validation_alias=_count("TruePositive"))
    true_negatives: _Count = Field(validation_alias=_count("TrueNegative"))
    false_positives: _Count = Field(validation_alias=_count("FalsePositive"))
    false_negatives: _Count = Field(validation_alias=_count("FalseNegative"))

    def to_value(self) -> ClassEvaluation:
        return ClassEvaluation(
            precision=self.precision,
            recall=self.recall,
            f1=self.f1,
            true_positives=int(self.true_positives),
            true_negatives=int(self.true_negatives),
            false_positives=int(self.false_positives),
            false_negatives=int(self.false_negatives),
        )


class Figures(WireModel):
    """An evaluation, which stands below a member named after the project's kind."""

    classes: Annotated[dict[_ClassName, _ClassFigures], Field(max_length=MAX_CLASSES)]
    micro_f1: _Share
    micro_precision: _Share
    micro_recall: _Share
    macro_f1: _Share
    macro_precision: _Share
    macro_recall: _Share

    def to_value(self, kind: ProjectKind) -> Evaluation:
        return Evaluation(
            kind=kind,
            classes={name: figures.to_value() for name, figures in self.classes.items()},
            micro_f1=self.micro_f1,
            micro_precision=self.micro_precision,
            micro_recall=self.micro_recall,
            macro_f1=self.macro_f1,
            macro_precision=self.macro_precision,
            macro_recall=self.macro_recall,
        )


class ProjectAnswer(Answer[Project]):
    """A project's definition. Each version overrides the members that it names otherwise."""

    name: str
    kind: ProjectKind
    language: str
    container: str = Field(validation_alias="storageInputContainerName")
    labels_location: str = ""
    multilingual: AsBool = False
    description: AsText = ""
    created: Time = Field(None, validation_alias="createdDateTime")
    modified: Time = Field(None, validation_alias="lastModifiedDateTime")

    def to_value(self) -> Project:
        return Project(**dict(self))


class _Evaluated(WireModel):
    figures: Figures


def evaluation_member(name: str) -> Callable[[Json], Figures]:
    """A reader of the figures in the member `name`: each version calls it otherwise for each kind of project."""
    model = create_model("Evaluated", __base__=_Evaluated, figures=(Figures, Field(validation_alias=name)))
    return lambda body: parse(model, body).figures
