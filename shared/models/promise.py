"""A project's promise: its rule and the threshold that keeps it for the model in use.

It is made when a model is published, and made again when the rule changes. Both write first and look at what the other
writes afterwards (the rule in the project's settings, the model in active.json), so whichever comes later sees both.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from shared.errors import StateUnreadableError
from shared.models.acceptance import Acceptance, AcceptanceRule, Right, Threshold, is_right, result_confidence
from shared.models.active_model import ActiveModelRecord, ActiveModelStore
from shared.models.project_settings import ProjectSettings, ProjectSettingsStore
from shared.models.threshold import MIN_DOCUMENTS, GoldenResult, choose_threshold
from shared.models.trial import Trial, TrialStore

log = logging.getLogger("pigeonhole.models")


@dataclass(frozen=True)
class Promise:
    """What a project asks for, None where it asks for nothing, and what keeps that from being promised."""

    rule: AcceptanceRule | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Promises:
    """Makes, shows and forgets them."""

    settings: ProjectSettingsStore
    trials: TrialStore
    active_model: ActiveModelStore

    def find(self, project: str, *, label: str) -> Acceptance | None:
        """What a model is good for under the project's rule; None where there is no rule.

        Nothing is accepted where the model has no trial. Raises StateUnreadableError.
        """
        rule = self.settings.get(project).acceptance
        if rule is None:
            return None
        trial = self.trials.find(project, label=label)
        return Acceptance(rule=rule, threshold=choose_threshold(golden_results(trial, rule.right), rule))

    def switch(self, record: ActiveModelRecord) -> None:
        """Put a published model in use, with its promise. A blob that cannot be read never keeps it from that: service
        and record would name different models. Then nothing is accepted until the rule is put again."""
        project = record.model.project
        try:
            acceptance = self.find(project, label=record.model.label)
        except StateUnreadableError as error:
            acceptance = self._nothing_accepted(project)
            log.error("promise_not_made project=%s model=%s: %s", project, record.model.label, error)
        self.active_model.switch(record.model_copy(update={"acceptance": acceptance}))
        try:
            self._make_again(project)
        except StateUnreadableError as error:
            log.error("promise_not_made project=%s model=%s: %s", project, record.model.label, error)

    def set_rule(self, project: str, rule: AcceptanceRule | None) -> None:
        """Ask for another precision, or with None for none. New batches go by it; records keep what they were made
        with. Repeating it reads the model's trial again. Raises StateUnreadableError, VersionChangedError."""
        self.settings.put(project, ProjectSettings(acceptance=rule))
        self._make_again(project)

    def show(self, project: str) -> Promise:
        """The project's rule, and in words why it cannot be kept now. Raises StateUnreadableError."""
        rule = self.settings.get(project).acceptance
        warning = self._warning(project, rule) if rule else None
        return Promise(rule, (warning,) if warning else ())

    def forget(self, project: str) -> None:
        """The project was deleted: its settings and its trials go."""
        self.settings.delete(project)
        self.trials.delete_all(project)

    def _make_again(self, project: str) -> None:
        self.active_model.change_acceptance(project, lambda label: self.find(project, label=label))

    def _nothing_accepted(self, project: str) -> Acceptance | None:
        """By the rule of the project's model so far, where its settings cannot be read."""
        try:
            rule = self.settings.get(project).acceptance
        except StateUnreadableError:
            replaced = self._record(project)
            rule = replaced.acceptance.rule if replaced and replaced.acceptance else None
        return Acceptance(rule=rule, threshold=choose_threshold([], rule)) if rule else None

    def _record(self, project: str) -> ActiveModelRecord | None:
        try:
            record = self.active_model.find_record()
        except StateUnreadableError:
            return None
        return record if record and record.model.project == project else None

    def _warning(self, project: str, rule: AcceptanceRule) -> str | None:
        record = self._record(project)
        if record is not None:
            if record.acceptance is None or record.acceptance.rule != rule:
                return "the model in use does not go by this rule yet; put it again"
            return why_nothing_is_accepted(record.acceptance.threshold)
        from_settings = self.active_model.from_settings
        if from_settings is not None and self.active_model.find_label_to_show(project):
            return (
                f"the model in use comes from LANGUAGE_MODEL ({from_settings.label}), which the app has not tried, so "
                "its classifications carry no decision; publish a model through the app"
            )
        needed = choose_threshold([], rule).documents_needed
        return (
            "no model of the project is in use, so nothing is promised yet; when one is published, the promise takes "
            f"{needed} golden documents at least"
        )


def golden_results(trial: Trial | None, right: Right) -> list[GoldenResult]:
    """What a threshold is chosen from: the trial's answers. One without classes has no confidence: 0, which no
    threshold reaches."""
    found = []
    for document in trial.answered if trial else ():
        confidence = result_confidence(answered.confidence for answered in document.classes)
        answered = frozenset(each.name for each in document.classes)
        found.append(GoldenResult(confidence or 0.0, is_right(frozenset(document.labels), answered, right)))
    return found


def why_nothing_is_accepted(threshold: Threshold) -> str | None:
    """For people; None where something is accepted."""
    if threshold.threshold is not None:
        return None
    seen = f"every classification goes to review: {threshold.documents} golden documents"
    if threshold.documents_needed is not None:
        # As after an upgrade: the model in use was published by a release that tried none.
        untried = "" if threshold.documents else "publish the model again to try it on those there are, or "
        return (
            f"{seen} are too few for a promise, which takes about {threshold.documents_needed} (never fewer than "
            f"{MIN_DOCUMENTS}); {untried}label more and retrain"
        )
    return f"{seen} show no confidence from which on the model is right often enough; ask for less, or retrain"
