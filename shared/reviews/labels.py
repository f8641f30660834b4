"""The labels that people's decisions have added to a project's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import StateUnreadableError
from shared.language.authoring_values import LabelledDocument
from shared.reviews.decide import TEXTS
from shared.reviews.decision import ListedDecision, newest_labels
from shared.reviews.decisions import DecisionStore
from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.reviews")


@dataclass(frozen=True)
class AddedLabels:
    """A project's decisions as labels: two listings, and a read for each whose classes a listing does not show."""

    decisions: DecisionStore
    open_container: Callable[[str], BlobStore]
    created: Callable[[str], datetime | None]

    def __call__(self, project: str) -> list[LabelledDocument]:
        """By location. Of a document that was decided in several versions, the one decided last.

        Decisions on an earlier project of that name do not count, which `created` tells. One whose text is no longer
        where it was copied to is left out: the service would refuse the whole file.
        """
        listed = [each for each in self.decisions.list_all() if each.is_label_of(project)]
        newest = newest_labels(listed, created=self.created(project) if listed else None)
        there = {
            (container, info.name)
            for container in {each.container for each in newest.values() if each.container}
            for info in self.open_container(container).list(TEXTS)
        }
        labels = [
            LabelledDocument(each.location, "", classes)
            for each in newest.values()
            if each.location and (each.container, each.location) in there
            if (classes := self._classes(each)) is not None
        ]
        if len(labels) < len(newest):
            first = min({str(each.location) for each in newest.values()} - {label.location for label in labels})
            why = "its text is not in the training container, or its decision cannot be read"
            counts = (len(newest), len(labels))
            log.warning("labels_left_out project=%s decisions=%s labels=%s first=%s: %s", project, *counts, first, why)
        return sorted(labels, key=lambda label: label.location)

    def _classes(self, listed: ListedDecision) -> tuple[str, ...] | None:
        if listed.classes is not None:
            return listed.classes
        try:
            found = self.decisions.find(listed.key)
        except StateUnreadableError:  # said to alerts; the other labels are trained on
            return None
        return found.decision.classes if found and found.decision.withdrawn is None else None
