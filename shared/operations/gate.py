"""The step `gate`: is the candidate put into use? Decided by what both models answered for the golden documents."""

from __future__ import annotations

from dataclasses import dataclass

from shared.durable.steps import Next, StepNow
from shared.durable.store import Stored
from shared.errors import StateUnreadableError
from shared.language.apis import api_for
from shared.models.active_model import ActiveModelStore
from shared.models.gate import GateDecision, evaluate_gate, evaluate_paired_gate
from shared.models.statistics import Pair
from shared.models.trial import TrialStore
from shared.operations.golden_documents import GoldenDocuments, Key
from shared.operations.operation import MAX_REASON, Operation, OperationQueue, OperationState, Retrain, Step
from shared.operations.service_jobs import ended


@dataclass(frozen=True)
class GateStep:
    """Refuse the model, stop before publishing, or go on."""

    steps: OperationQueue
    active_model: ActiveModelStore
    trials: TrialStore
    documents: GoldenDocuments

    def __call__(self, stored: Stored[Retrain], /, *, then: Step) -> Next[Operation]:
        operation, now = stored.record, self.steps.clock()
        if operation.request.publish and not operation.reference and not operation.without_staging:
            # Left here by an earlier release, which asked the gate before it published.
            return StepNow(stored.evolve(now, "the model is published and tried first", step=Step.PUBLISH))
        try:
            active = self.active_model.find_label(operation.project)
        except StateUnreadableError as error:
            if not operation.request.force and operation.request.publish:
                why = f"there is nothing to compare {operation.label} with, because {error}"
                reason = _refusal(operation, f"{why}, or publish {operation.label}")
                return ended(stored, now, OperationState.REFUSED, reason)
            active = None
        decision = self._decide(operation, active)
        stored = stored.change(gate=decision)
        if not decision.passed:
            return ended(stored, now, OperationState.REFUSED, _refusal(operation, decision.reason))
        if not operation.request.publish:
            return ended(stored, now, OperationState.SUCCEEDED, "trained; publishing was not asked for")
        return StepNow(stored.evolve(now, decision.reason, step=then))

    def _decide(self, operation: Retrain, active: str | None) -> GateDecision:
        rule, force = operation.request.gate, operation.request.force
        why = ""
        if active is not None and operation.request.publish:
            pairs, why = self._find_pairs(operation, active)
            if pairs:
                return evaluate_paired_gate(rule, pairs, force=force, active_label=active)
        decision = evaluate_gate(
            rule, operation.candidate_evaluation, operation.active_evaluation, force=force, active_label=active
        )
        if not why:
            return decision
        return decision.model_copy(update={"reason": f"{decision.reason}; not compared on golden documents: {why}"})

    def _find_pairs(self, operation: Retrain, active: str) -> tuple[list[Pair], str]:
        """The golden documents that both models have answered; and where there are none, why.

        Raises StateUnreadableError.
        """
        progress = operation.trial
        if operation.without_staging:
            return [], "the service allows one deployment (tier F0), so that no model is tried before it is in use"
        if progress is None or progress.documents == 0:
            return [], progress.untried if progress and progress.untried else "there are none"
        if active not in {model.label for model in progress.models[1:]}:
            return [], progress.untried or f"the active model {active} was not tried"
        golden = self.documents.find(project=operation.project, operation=operation.id)
        answers = [self._answers(operation.project, label=label) for label in (operation.label, active)]
        pairs = [
            Pair(frozenset(document.labels), *(each[document.key] for each in answers))
            for document in (golden.documents if golden else ())
            if all(document.key in each for each in answers)
        ]
        return pairs, "" if pairs else "both models have answered none of them"

    def _answers(self, project: str, *, label: str) -> dict[Key, frozenset[str]]:
        trial = self.trials.find(project, label=label)
        return {
            (document.location, document.etag): frozenset(each.name for each in document.classes)
            for document in (trial.answered if trial else ())
        }


def _refusal(operation: Retrain, reason: str) -> str:
    """The reason, and where the refused model is left."""
    if not operation.reference:
        return f"not published: {reason}"
    left = f"; nothing depends on the model id {operation.reference}, which stays published"
    if api_for(operation.api_version).has_deployments:
        left = f"; the deployment {operation.reference!r} holds it until the next publication replaces it"
    return f"not put into use: {reason[: MAX_REASON - len(left) - 20]}{left}"
