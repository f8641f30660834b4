"""The queue of what waits for review: a listing of small blobs, whose names begin with their rank."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.concurrency import FanOut, each_apart
from shared.documents.record_schema import ClassificationRecord
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, BlobUnreadableError, StateUnreadableError
from shared.reviews.decisions import DecisionStore
from shared.reviews.item import OPEN, ListedReview, ReviewItem, item_of, open_name, review_id_of, version_key
from shared.storage.ports import BlobInfo, BlobStore, Page

# Items that a listing of one class looks at, in pages of as many as one call gives.
SEARCHED = 5_000
# Items whose metadata do not hold their name and classes, and which a listing reads one by one.
READ_APART = 200


@dataclass(frozen=True)
class OpenReview:
    """An item and the ETag it was read at."""

    item: ReviewItem
    etag: str


@dataclass(frozen=True)
class ReviewList:
    """The first items of the queue; `more` where there are others, or not all were searched."""

    reviews: list[ListedReview]
    more: bool


@dataclass(frozen=True)
class ReviewQueue:
    """What waits for review, and what was decided of it."""

    state: BlobStore
    decisions: DecisionStore
    fan_out: FanOut

    def enqueue(
        self, records: Mapping[int, ClassificationRecord], *, again: Collection[int]
    ) -> tuple[dict[int, ClassificationRecord], dict[int, Exception]]:
        """Write the items of what a person is to look at, before the records that say so are written.

        One write for each such record, none for the others. A crash before the records leaves items that are written
        again with them, or are found to be no one's (sweep.py). Of those classified `again`, a version that was decided
        keeps its review and needs no item: one read for each that would have one.

        Returns the records to write, and what one of them raised, by index: that one is not to be written.
        """
        kept: dict[int, ClassificationRecord] = {}

        def write(record_of: tuple[int, ClassificationRecord]) -> None:
            index, record = record_of
            if index in again and record.decision is not None:
                record = self._with_review(record)
            item = item_of(record)
            if item is not None:
                self.put(item)
            kept[index] = record

        waiting = {index: each for index, each in records.items() if each.decision is not None}
        kept |= {index: each for index, each in records.items() if each.decision is None}
        _, raised = each_apart(self.fan_out, write, waiting.items())
        return kept, {index: error for (index, _), error in raised}

    def _with_review(self, record: ClassificationRecord) -> ClassificationRecord:
        try:
            found = self.decisions.find(version_key(record.document.name, etag=record.document.etag))
        except StateUnreadableError:  # said to alerts; the document is classified all the same
            return record
        if found is None or found.decision.skipped or found.decision.withdrawn is not None:
            return record
        return record.model_copy(update={"review": found.decision.review})

    def put(self, item: ReviewItem) -> None:
        name, data, metadata = open_name(item.id), item.to_json(), item.to_metadata()
        try:
            self.state.put(name, data, metadata=metadata)
        except BlobUnreadableError:
            # It is in the archive tier, say: it cannot be replaced, but it can go.
            if not self.state.delete(name):
                raise
            self.state.put(name, data, metadata=metadata)

    def find(self, review_id: str) -> OpenReview | None:
        """Raises StateUnreadableError."""
        name = open_name(review_id)
        with readable(name):
            try:
                blob = self.state.read(name)
            except BlobNotFoundError:
                return None
            return OpenReview(ReviewItem.model_validate_json(blob.data), blob.etag)

    def remove(self, review_id: str, *, etag: str) -> bool:
        """False where it is gone, or was written again since."""
        return self.state.delete(open_name(review_id), etag=etag)

    def page(self, *, token: str | None, limit: int) -> Page:
        return self.state.list_page(OPEN, token=token, limit=limit)

    def list_first(self, limit: int, *, class_name: str | None = None) -> ReviewList:
        """The first `limit` items; of one class: those the model named it for, among the first 5,000.

        One call, and one for each item whose metadata do not hold all of it, 200 at most.
        """
        if class_name is None:
            page = self.page(token=None, limit=limit)
            return ReviewList(self._read(page.infos), page.token is not None)
        page = self.page(token=None, limit=SEARCHED)
        found = [each for each in self._read(page.infos) if any(named.name == class_name for named in each.classes)]
        return ReviewList(found[:limit], len(found) > limit or page.token is not None)

    def _read(self, infos: list[BlobInfo]) -> list[ListedReview]:
        ids = [review_id_of(info.name) for info in infos]
        listed = {each: ListedReview.read(each, info.metadata) for each, info in zip(ids, infos, strict=True)}
        apart = [each for each in ids if listed[each] is None][:READ_APART]
        listed |= dict(zip(apart, self.fan_out(self._read_apart, apart), strict=True))
        return [found for each in ids if (found := listed[each]) is not None]

    def _read_apart(self, review_id: str) -> ListedReview | None:
        try:
            found = self.find(review_id)
        except StateUnreadableError:  # said to alerts; the others are worth having
            return None
        return ListedReview.of(found.item) if found else None
