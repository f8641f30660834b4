"""A person's decision on one version of a document, and undoing it.

A decision writes, in this order:

1. the text, copied into the project's container for training; no label refers to it yet
2. the decision, If-None-Match: of two reviewers one wins. It is the label
3. the member `review` of the classification, where that is still about this version
4. its line in the log
5. and removes the item, If-Match, if the decision is still as it was

Undoing it writes the item, then that the decision is withdrawn (If-Match), which takes the label back; then it goes
through 3 and 4 backwards, writes the item once more, and removes the decision and, If-Match, the text.

The decision alone says what is true, and what is left unfinished is found by the item: whoever comes across an item
whose version is decided takes 3 to 5 again, or the rest of undoing it: a repeated request, the next look at that item,
the sweep. Two that do so at once do no harm: who finishes a decision looks, after its writes, whether it was withdrawn
meanwhile, and then takes them back; who undoes it writes the item afterwards, so that an older removal misses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.documents.content import DocumentReader
from shared.documents.records import Records
from shared.documents.text import count_characters
from shared.errors import (
    BadRequestError,
    BlobNotFoundError,
    DocumentRejectedError,
    InputProblem,
    ReviewDecidedError,
    ReviewOutdatedError,
    ReviewUnknownError,
    VersionChangedError,
    quoted,
)
from shared.language.values import ProjectKind
from shared.reviews.choices import Choices
from shared.reviews.decision import KeptText, ReviewDecision
from shared.reviews.decisions import DecisionStore, StoredDecision
from shared.reviews.item import ReviewItem, key_of
from shared.reviews.queue import OpenReview, ReviewQueue
from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.reviews")

# Of a document's text, for a person to read.
SHOWN_CHARACTERS = 100_000
# Where the texts of decided documents lie in their project's container: at its root, as the service wants them.
TEXTS = "reviewed-"
MAX_CONFLICTS = 5


@dataclass(frozen=True)
class Review:
    """An item as it is shown to a person. `text` is None where the version is gone; `decision` where none was made."""

    item: ReviewItem
    text: str | None
    is_truncated: bool
    choices: tuple[str, ...]
    decision: ReviewDecision | None


@dataclass(frozen=True)
class Reviews:
    """Shows what waits for review, decides it, and undoes decisions.

    `longest` is how many characters of a document the service trains on; a longer one becomes no label.
    """

    queue: ReviewQueue
    decisions: DecisionStore
    records: Records
    reader: DocumentReader
    choices: Choices
    open_container: Callable[[str], BlobStore]
    longest: int
    clock: Callable[[], datetime]

    def show(self, review_id: str) -> Review:
        """Raises ReviewUnknownError, and ReviewOutdatedError where the version is gone and was not decided."""
        waiting, decided = self.queue.find(review_id), self.decisions.find(key_of(review_id))
        if decided is not None and waiting is not None:
            self.settle(decided, review_id, etag=waiting.etag)
            waiting, decided = self.queue.find(review_id), self.decisions.find(key_of(review_id))
        if decided is not None:
            return self._shown(decided.decision.item, decided.decision)
        if waiting is None:
            raise ReviewUnknownError(review_id)
        return self._shown(waiting.item, None)

    def _shown(self, item: ReviewItem, decision: ReviewDecision | None) -> Review:
        try:
            text: str | None = self._read_text(item)
        except (ReviewOutdatedError, DocumentRejectedError):
            if decision is None:
                raise
            text = None
        shown = text[:SHOWN_CHARACTERS] if text is not None else None
        return Review(item, shown, shown != text, self._choices(item), decision)

    def decide(self, review_id: str, classes: Sequence[str], *, skip: bool, by: str) -> Review:
        """Decide on an item, or skip it. The same answer by the same person again is no conflict.

        Raises ReviewUnknownError; ReviewDecidedError where another has decided; ReviewOutdatedError where the version
        is not current any more; BadRequestError for classes that the project does not have or cannot have together.
        """
        answer = tuple(dict.fromkeys(classes))
        for _ in range(MAX_CONFLICTS):
            waiting, decided = self.queue.find(review_id), self.decisions.find(key_of(review_id))
            if decided is not None:
                if waiting is not None:
                    self.settle(decided, review_id, etag=waiting.etag)
                if decided.decision.withdrawn is not None:
                    continue
                return self._repeated(decided.decision, answer, skip=skip, by=by)
            if waiting is None:
                raise ReviewUnknownError(review_id)
            item = waiting.item
            if not skip:
                self._check(item, answer)
            text = self._current_text(waiting)
            kept = None if skip else self._keep(item, text)
            decision = ReviewDecision(item=item, classes=answer, skipped=skip, by=by, at=self.clock(), text=kept)
            try:
                stored = self.decisions.create(decision)
            except VersionChangedError:
                continue  # another was faster, and what it decided is read next
            log.info("review_decided review=%s skipped=%s", review_id, skip)
            self.settle(stored, review_id, etag=waiting.etag)
            return self._shown(item, decision)
        raise VersionChangedError(f"review {review_id} changes too fast to be decided now; try again")

    def undo(self, review_id: str, *, by: str) -> Review:
        """Let the item wait again; what waits is left as it is. Raises ReviewUnknownError."""
        for _ in range(MAX_CONFLICTS):
            decided = self.decisions.find(key_of(review_id))
            if decided is None:
                return self.show(review_id)
            item = decided.decision.item
            if decided.decision.withdrawn is None:
                self.queue.put(item)
                try:
                    decided = self.decisions.withdraw(decided, by=by, at=self.clock())
                except VersionChangedError:
                    continue
                log.info("review_undone review=%s", review_id)
            self._take_back(decided)
            return self.show(item.id)
        raise VersionChangedError(f"review {review_id} changes too fast to be undone now; try again")

    def settle(self, decided: StoredDecision, review_id: str, *, etag: str) -> None:
        """Finish what a decision, or undoing it, has left to do, as the item at this ETag tells. May be repeated."""
        decision = decided.decision
        if decision.withdrawn is not None:
            self._take_back(decided)
            return
        if not decision.skipped:
            self.records.write_review(decision.item.document, decision.review)
            self.decisions.log(decision)
        if not self.decisions.is_still(decided):
            self._take_traces_back(decision)
            return
        self.queue.remove(review_id, etag=etag)

    def _take_back(self, withdrawn: StoredDecision) -> None:
        decision = withdrawn.decision
        self._take_traces_back(decision)
        self.queue.put(decision.item)
        if self.decisions.delete(withdrawn) and decision.text is not None:
            texts = self.open_container(decision.text.container)
            # Written again since, it belongs to the next decision.
            texts.delete(decision.text.location, etag=decision.text.etag)

    def _take_traces_back(self, decision: ReviewDecision) -> None:
        self.records.remove_review(decision.item.document, decision.review)
        self.decisions.unlog(decision)

    def _repeated(self, decision: ReviewDecision, answer: Sequence[str], *, skip: bool, by: str) -> Review:
        if decision.by == by and decision.is_answer(answer, skipped=skip):
            return self._shown(decision.item, decision)
        raise ReviewDecidedError(decision.item.document.name, what=decision.words())

    def _check(self, item: ReviewItem, answer: Sequence[str]) -> None:
        """Raises BadRequestError."""
        if item.kind is ProjectKind.SINGLE and len(answer) != 1:
            what = f"{len(answer)} classes; a document of a single-label project has exactly 1"
            raise BadRequestError([InputProblem("classes", what)])
        unknown = set(answer) - set(self._choices(item))
        if unknown:
            unknown -= set(self.choices.classes(item.project, fresh=True))
        if unknown:
            what = f"not a class of project {quoted(item.project)}; GET the review for its choices"
            raise BadRequestError(
                [
                    InputProblem(f"classes[{number}]", f"{quoted(name)} is {what}")
                    for number, name in enumerate(answer)
                    if name in unknown
                ]
            )

    def _choices(self, item: ReviewItem) -> tuple[str, ...]:
        """Where the project has no labels that can be read, the classes that the model named."""
        return self.choices.classes(item.project) or tuple(each.name for each in item.classes)

    def _current_text(self, waiting: OpenReview) -> str | None:
        """The text of a version that may be decided; None where it can be read no more for what it is.

        Raises ReviewOutdatedError, and removes the item then.
        """
        item = waiting.item
        try:
            text = self._read_text(item)
        except DocumentRejectedError:  # a limit was lowered since it was classified
            text = None
        except ReviewOutdatedError:
            self.queue.remove(item.id, etag=waiting.etag)
            raise
        found = self.records.find_classification(item.document.name)
        if found is None or not found[0].is_about(item.document.etag):
            what = "has no classification of this version: it is being written, or was removed"
            raise ReviewOutdatedError(item.document.name, what=what)
        return text

    def _read_text(self, item: ReviewItem) -> str:
        """Raises ReviewOutdatedError, saying what became of the version, and DocumentRejectedError."""
        document, documents = item.document, self.records.documents
        try:
            return self.reader.read(documents.read(document.name, etag=document.etag)).text
        except BlobNotFoundError as error:
            raise ReviewOutdatedError(document.name, what="was deleted") from error
        except VersionChangedError as error:
            info = documents.find(document.name)
            when = f" at {info.last_modified:%Y-%m-%d %H:%M:%S} UTC" if info else ""
            raise ReviewOutdatedError(document.name, what=f"was overwritten{when}") from error

    def _keep(self, item: ReviewItem, text: str | None) -> KeptText | None:
        if text is None or count_characters(text) > self.longest:
            return None
        container, location = self.choices.container(item.project), f"{TEXTS}{item.key}.txt"
        return KeptText(
            container=container,
            location=location,
            etag=self.open_container(container).put(location, text.encode()),
        )
