"""The sweep of reviews: unfinished decisions are finished, and items whose version is gone are removed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.concurrency import FanOut, each_apart
from shared.documents.records import Records
from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, PlaceLostError, StateUnreadableError
from shared.reviews.decide import Reviews
from shared.reviews.item import ListedReview, key_of, review_id_of
from shared.storage.ports import BlobInfo, BlobStore, Page

log = logging.getLogger("pigeonhole.reviews")

SWEEP_PLACE = "reviews/sweep.json"
# Items that one sweep looks at, each with four calls at most; it goes on there the next time.
LOOKED_AT = 100
# An item is written before its record, and both again after a crash, which the host notices in 10 minutes.
SETTLED_AFTER = timedelta(minutes=15)


class _Place(StoredModel):
    """pipeline/reviews/sweep.json: where the next sweep goes on in the listing."""

    token: str | None = None


@dataclass(frozen=True)
class ReviewSweep:
    """Looks at the next 100 items of the queue."""

    state: BlobStore
    reviews: Reviews
    records: Records
    fan_out: FanOut
    clock: Callable[[], datetime]

    def __call__(self) -> None:
        place = self._place()
        try:
            page = self.reviews.queue.page(token=place.token, limit=LOOKED_AT)
        except PlaceLostError:
            page = self.reviews.queue.page(token=None, limit=LOOKED_AT)
        self._look_at(page)
        if page.token != place.token:
            # Beyond the place when it crashes: what was left is looked at in the next round.
            self.state.put(SWEEP_PLACE, _Place(token=page.token).model_dump_json().encode())

    def _look_at(self, page: Page) -> None:
        before = self.clock() - SETTLED_AFTER
        old = [info for info in page.infos if info.last_modified < before]
        _, raised = each_apart(self.fan_out, self._settle, old)
        for info, error in raised:
            log.error("review_not_swept blob=%s: %s", info.name, type(error).__name__)
        if raised:
            raise raised[0][1]

    def _settle(self, info: BlobInfo) -> None:
        review_id = review_id_of(info.name)
        try:
            decided = self.reviews.decisions.find(key_of(review_id))
            if decided is not None:
                self.reviews.settle(decided, review_id, etag=info.etag)
                return
            listed = ListedReview.read(review_id, info.metadata) or self._read(review_id)
        except StateUnreadableError:  # said to alerts; the others have their turn
            return
        if listed is not None and self._is_outdated(listed):
            self.reviews.queue.remove(review_id, etag=info.etag)
            log.info("review_outdated review=%s", review_id)

    def _read(self, review_id: str) -> ListedReview | None:
        found = self.reviews.queue.find(review_id)
        return ListedReview.of(found.item) if found else None

    def _is_outdated(self, listed: ListedReview) -> bool:
        """Its version is gone, or another model classified it since: that has an item of its own where it needs one."""
        found = self.records.find_classification(listed.name)
        if found is None or not found[0].is_about(listed.etag) or found[0].model not in (None, listed.model):
            return True
        document = self.records.documents.find(listed.name)
        return document is None or document.etag != listed.etag

    def _place(self) -> _Place:
        try:
            with readable(SWEEP_PLACE):
                return _Place.model_validate_json(self.state.read(SWEEP_PLACE).data)
        except (BlobNotFoundError, StateUnreadableError):
            return _Place()
