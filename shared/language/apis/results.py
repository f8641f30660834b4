"""What the API versions answer alike: classified texts and evaluations, in every spelling seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, create_model

from shared.language.apis.base import Json
from shared.language.apis.wire import (
    NO_ERROR_BODY,
    Answer,
    AsBool,
    AsText,
    Error,
    Errors,
    IfObject,
    NextPage,
    Number,
    OptionalText,
    Status,
    Time,
    WireModel,
    parse,
)
from shared.language.values import (
    AnalyzeJob,
    ClassEvaluation,
    ClassScore,
    Evaluation,
    Project,
    ProjectKind,
    ServiceError,
    TextClasses,
)


class _Class(WireModel):
    category: str
    confidence_score: Annotated[Number, Field(ge=0, le=1)]


def _as_list(value: Json) -> Json:
    return value if isinstance(value, list) else [value]


class _Text(WireModel):
    id: str
    # The dated API and its SDK say `class`, ct.1 and the documentation `classes`, v3.2-preview.2 `classification(s)`.
    classes: Annotated[list[_Class], BeforeValidator(_as_list)] = Field(
        validation_alias=AliasChoices("class", "classes", "classifications", "classification")
    )
    warnings: Errors = ()

    def to_value(self) -> TextClasses:
        scores = tuple(ClassScore(each.category, each.confidence_score) for each in self.classes)
        return TextClasses(self.id, scores, self.warnings)


class _TextError(WireModel):
    id: str
    error: Error = NO_ERROR_BODY


class Results(WireModel):
    documents: list[_Text] = Field(default_factory=list)
    errors: list[_TextError] = Field(default_factory=list)


class Task(WireModel):
    results: Annotated[Results | None, IfObject] = None


class AnalyzeJobAnswer(Answer[AnalyzeJob]):
    """An analyze job without its tasks, which every version nests in a way of its own."""

    status: Status
    created: Time = Field(None, validation_alias="createdDateTime")
    updated: Time = Field(None, validation_alias=AliasChoices("lastUpdatedDateTime", "lastUpdateDateTime"))
    expires: Time = Field(None, validation_alias="expirationDateTime")
    errors: Errors = ()
    next_page: NextPage = Field(None, validation_alias=AliasChoices("@nextLink", "nextLink"))
    job_id: OptionalText = None
    display_name: OptionalText = None

    def all_tasks(self) -> Iterable[Task]:
        raise NotImplementedError

    def to_value(self) -> AnalyzeJob:
        texts: dict[str, TextClasses] = {}
        text_errors: dict[str, ServiceError] = {}
        for results in (task.results for task in self.all_tasks() if task.results is not None):
            # The first entry of a repeated id is kept.
            failed_before = set(text_errors)
            for text in results.documents:
                if text.id not in failed_before:
                    texts.setdefault(text.id, text.to_value())
            for entry in results.errors:
                text_errors.setdefault(entry.id, entry.error)
        return AnalyzeJob(
            status=self.status,
            created=self.created,
            updated=self.updated,
            expires=self.expires,
            texts=tuple(texts.values()),
            text_errors=text_errors,
            errors=self.errors,
            next_page=self.next_page,
            id=self.job_id,
            display_name=self.display_name,
        )


def _count(what: str) -> AliasChoices:
    """The three spellings of a count: truePositiveCount, countTruePositives, truePositivesCount."""
    lower = what[0].lower() + what[1:]
    return AliasChoices(f"{lower}Count", f"count{what}s", f"{lower}sCount")


class _ClassFigures(WireModel):
    precision: Number
    recall: Number
    f1: Number
    true_positives: Number = Field(validation_alias=_count("TruePositive"))
    true_negatives: Number = Field(validation_alias=_count("TrueNegative"))
    false_positives: Number = Field(validation_alias=_count("FalsePositive"))
    false_negatives: Number = Field(validation_alias=_count("FalseNegative"))

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

    classes: dict[str, _ClassFigures]
    micro_f1: Number
    micro_precision: Number
    micro_recall: Number
    macro_f1: Number
    macro_precision: Number
    macro_recall: Number

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
