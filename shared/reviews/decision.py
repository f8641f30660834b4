"""What a person decided about one version of a document: pipeline/reviews/decided/<key>.json. It is the label. Pure.

The one conditional create of this blob is the decision. Everything else that comes of it can be made from it again: the
member `review` of the classification, the line of the log, the end of the item.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from shared.documents.record_schema import RecordReview
from shared.durable.record import StoredModel
from shared.models.acceptance import Right, is_right
from shared.reviews.item import METADATA_BYTES, Reason, ReviewItem, document_key, review_id_of

DECIDED = "reviews/decided/"
LOG = "reviews/log/"
# The log is listed newest first: names begin with what is left until this moment, in milliseconds.
_END_OF_TIME = 10**13


class KeptText(StoredModel):
    """The document's text as it was copied for training, at the ETag of the copy."""

    container: str
    location: str
    etag: str


class Withdrawal(StoredModel):
    """That the decision is being undone."""

    by: str
    at: AwareDatetime


class ReviewDecision(StoredModel):
    """The true classes; none where it was `skipped`. `text` is None where the service could not train on it."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    item: ReviewItem
    classes: tuple[str, ...] = ()
    skipped: bool = False
    by: str
    at: AwareDatetime
    text: KeptText | None = None
    withdrawn: Withdrawal | None = None

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def review(self) -> RecordReview:
        return RecordReview(classes=self.classes, by=self.by, at=self.at)

    def is_answer(self, classes: Collection[str], *, skipped: bool) -> bool:
        return (set(classes), skipped) == (set(self.classes), self.skipped)

    def is_right(self, rule: Right) -> bool:
        """Whether the model had said what was decided."""
        return is_right(frozenset(self.classes), frozenset(each.name for each in self.item.classes), rule)

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, indent=1).encode()

    def to_metadata(self) -> dict[str, str]:
        """What a retraining reads of every decision; without `classes` where they do not fit."""
        values = {"project": quote(self.item.project), "at": self.at.isoformat()}
        if self.withdrawn is not None:
            values["withdrawn"] = "true"
        if self.text is None:
            return values
        values |= {"container": self.text.container, "location": quote(self.text.location)}
        classes = quote(json.dumps(self.classes, ensure_ascii=False))
        return values | {"classes": classes} if len(classes) < METADATA_BYTES else values

    def words(self) -> str:
        """For people: what was decided, by whom and when."""
        names = ", ".join(repr(name) for name in self.classes[:5]) or "no class"
        what = "skipped" if self.skipped else f"decided as {names}"
        return f"{what} by {self.by!r} at {self.at:%Y-%m-%d %H:%M:%S} UTC"


class ListedDecision(StoredModel):
    """A decision as a listing shows it; `location` is None where it is no label, `classes` where they did not fit."""

    key: str
    project: str
    at: AwareDatetime
    withdrawn: bool = False
    container: str | None = None
    location: str | None = None
    classes: tuple[str, ...] | None = None

    def is_label_of(self, project: str) -> bool:
        return self.project == project and self.location is not None and not self.withdrawn

    @classmethod
    def read(cls, blob_name: str, metadata: Mapping[str, str]) -> ListedDecision | None:
        """None where the metadata are not ours."""
        try:
            values: dict[str, object] = {name: unquote(value) for name, value in metadata.items() if value}
            if "classes" in values:
                values["classes"] = _CLASSES.validate_json(str(values["classes"]))
            return cls.model_validate(values | {"key": review_id_of(blob_name)})
        except ValidationError:
            return None


def newest_labels(labels: Iterable[ListedDecision], *, created: datetime | None) -> dict[str, ListedDecision]:
    """What a training adds of a project's labels, by document: of one that was decided in several versions, the one
    decided last. Those from before the project was `created` were made for an earlier one of its name."""
    newest: dict[str, ListedDecision] = {}
    for each in labels:
        known = newest.get(document_key(each.key))
        if (created is None or each.at >= created) and (known is None or known.at < each.at):
            newest[document_key(each.key)] = each
    return newest


_CLASSES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...], config={"defer_build": True})


class LogLine(StoredModel):
    """What the log's listing shows of a decision. `exact` and `all_classes`: was the model right, by each rule?"""

    at: AwareDatetime
    model: str
    reason: Reason
    exact: bool
    all_classes: bool

    @classmethod
    def of(cls, decision: ReviewDecision) -> LogLine:
        return cls(
            at=decision.at,
            model=decision.item.model,
            reason=decision.item.reason,
            exact=decision.is_right(Right.EXACT),
            all_classes=decision.is_right(Right.ALL_CLASSES),
        )

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> LogLine | None:
        """None where the metadata are not ours."""
        try:
            return cls.model_validate({name: unquote(value) for name, value in metadata.items()})
        except ValidationError:
            return None

    def is_right(self, rule: Right) -> bool:
        return self.exact if rule is Right.EXACT else self.all_classes

    def to_metadata(self) -> dict[str, str]:
        return {
            "at": self.at.isoformat(),
            "model": quote(self.model),
            "reason": self.reason.value,
            "exact": str(self.exact).lower(),
            "all_classes": str(self.all_classes).lower(),
        }


def decided_name(key: str) -> str:
    return f"{DECIDED}{key}.json"


def log_prefix(project: str) -> str:
    return f"{LOG}{quote(project, safe='')}/"


def log_name(decision: ReviewDecision) -> str:
    left = _END_OF_TIME - _milliseconds(decision.at)
    return f"{log_prefix(decision.item.project)}{left:013d}-{decision.key}.json"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
