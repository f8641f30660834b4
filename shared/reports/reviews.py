"""What waits for review, one item with its text, and what was decided of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.documents.record_schema import ClassConfidence
from shared.reports.bodies import Body
from shared.reviews.decide import Review
from shared.reviews.item import ListedReview
from shared.reviews.queue import ReviewList

MAX_NAME = 100
ReviewerName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]


class DecisionRequest(BaseModel):
    """Body of PUT /api/reviews/{id}: the true classes, or `skip`. `by` counts where no one is signed in."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    classes: list[Annotated[str, Field(max_length=1_000)]] | None = Field(None, max_length=1_000)
    skip: bool = False
    by: ReviewerName | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> DecisionRequest:
        if (self.classes is None) is not self.skip:
            raise ValueError('give either "classes" or "skip": true')
        return self


class WaitingReview(Body):
    """An item that waits for review. `reason` is review, or audit for one of the share that checks the sure results."""

    id: str
    name: str
    etag: str
    model: str
    reason: str
    confidence: float | None
    classes: list[ClassConfidence]
    created: datetime


class ReviewListBody(Body):
    """GET /api/reviews: the least sure first; `more` where others wait, or not all were searched."""

    reviews: list[WaitingReview]
    more: bool


class DecidedBody(Body):
    """What a person decided; no classes where it was `skipped`. `is_label` where the next retraining learns from it."""

    classes: list[str]
    skipped: bool
    by: str
    at: datetime
    is_label: bool


class ReviewBody(WaitingReview):
    """One item with the document's text, at most 100,000 characters of it. `state`: open or decided.

    `text` is null where it cannot be read any more: of a decision, made or undone, whose version is gone, say.
    """

    project: str
    kind: str
    text: str | None
    truncated: bool
    choices: list[str]
    state: str
    review: DecidedBody | None


def review_list(listed: ReviewList) -> ReviewListBody:
    return ReviewListBody(reviews=[WaitingReview(**dict(each)) for each in listed.reviews], more=listed.more)


def review_body(review: Review) -> ReviewBody:
    item, decision = review.item, review.decision
    return ReviewBody(
        **dict(ListedReview.of(item)),
        project=item.project,
        kind=item.kind,
        text=review.text,
        truncated=review.is_truncated,
        choices=list(review.choices),
        state="decided" if decision else "open",
        review=DecidedBody(
            classes=list(decision.classes),
            skipped=decision.skipped,
            by=decision.by,
            at=decision.at,
            is_label=decision.text is not None,
        )
        if decision
        else None,
    )
