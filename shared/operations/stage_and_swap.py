"""Publishing with deployments (dated API): into the staging deployment, which is then swapped with production.

publish ► wait_publishing ► trial ► wait_trial (► gate) ► hold ► swap ► wait_swap ► switch

The free tier allows one deployment. Its refusal of a second one is how that is known. Where production is the one, the
model goes straight into it, untried; where staging took the only place, it is deleted once its model was tried.

A deployment keeps its name when its model changes, so a batch submitted while they are swapped could not name its
model. Therefore submissions are held from `hold` to `switch`; batches wait as they do when no model is published yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from shared.durable.steps import Next, StepLater, StepNow
from shared.durable.store import Stored
from shared.errors import LanguageNotFoundError, LanguageRefusedError
from shared.language.apis import api_for
from shared.language.authoring_values import Deployment
from shared.models.active_model import HoldResult
from shared.operations.operation import Operation, Publishing, Step
from shared.operations.publishing import PublishingStep, PublishingSteps
from shared.operations.service_jobs import intend, poll_again, start_job, wait_for

# At most, for a swap whose job id was lost; shorter than submissions may be held.
SWAP_TAKES = timedelta(minutes=5)


@dataclass(frozen=True)
class StageAndSwap(PublishingSteps):
    """`production` and `staging` are deployments' names. `settle` is how long a submission that began before a hold may
    still be on its way."""

    production: str
    staging: str
    settle: timedelta

    first_step_of_retraining: ClassVar[Step] = Step.IMPORT
    first_step_into_use: ClassVar[Step] = Step.HOLD

    @property
    def table(self) -> Mapping[Step, PublishingStep]:
        return {
            Step.PUBLISH: self.publish,
            Step.WAIT_PUBLISHING: self.wait_publishing,
            Step.TRIAL: self.trial,
            Step.WAIT_TRIAL: self.trials.wait_trial,
            Step.GATE: self.gate,
            Step.HOLD: self.hold,
            Step.SWAP: self.swap,
            Step.WAIT_SWAP: self.wait_swap,
            Step.SWITCH: self.switch,
        }

    def publish(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Deploy the model into staging unless it is there already. Repeating a deployment changes nothing."""
        operation = stored.record
        if self._staging_holds(stored):
            what = "the staging deployment holds it already"
            return StepNow(stored.evolve(self.steps.clock(), what, step=Step.TRIAL, reference=self.staging))
        stored = intend(self.steps, stored)
        call = self._api(stored).deploy(operation.project, deployment=self.staging, label=operation.label)
        try:
            job_id = start_job(self.language, operation, call)
        except LanguageRefusedError as error:
            if not self._is_the_only_deployment(self.production, operation, error):
                raise
            what = "the service allows one deployment: no staging and no trial"
            following = self._after_trial(operation)
            return StepNow(stored.evolve(self.steps.clock(), what, step=following, without_staging=True))
        what = f"deployment job {job_id}"
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.WAIT_PUBLISHING, job_id=job_id))

    def wait_publishing(self, stored: Stored[Publishing]) -> Next[Operation]:
        operation = stored.record
        call = self._api(stored).get_deployment_job(operation.project, self.staging, operation.job_id)

        def published(now: Stored[Publishing]) -> Next[Operation]:
            what = f"published as {self.staging}"
            return StepNow(now.evolve(self.steps.clock(), what, step=Step.TRIAL, reference=self.staging))

        job = self.language.send(call)
        return wait_for(self.steps, stored, job, what="publishing", then=published)

    def hold(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Hold submissions, and swap only when none that began before can still be on its way."""
        now = self.steps.clock()
        if not self._is_for_use(stored.record) or self.active_model.hold() is HoldResult.NO_MODEL:
            return StepNow(stored.evolve(now, "nothing to hold", step=Step.SWAP))
        held = stored.evolve(now, "submissions are held", step=Step.SWAP, swap_not_before=now + self.settle)
        return StepLater(self.steps.store.save(held), self.settle)

    def swap(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Swap staging with production, once: swapping twice would undo it. The first time, deploy into production."""
        operation, now = stored.record, self.steps.clock()
        if operation.swap_not_before and operation.swap_not_before > now:
            # The message that `hold` sent was delivered twice.
            return StepLater(stored, operation.swap_not_before - now)
        if self._is_for_use(operation) and self.active_model.renew_hold() is HoldResult.LAPSED:
            # No step came for a quarter of an hour, so submissions went on: hold and settle again.
            return StepNow(stored.evolve(now, "the hold has lapsed", step=Step.HOLD))
        production = self._list_deployments(stored.record).get(self.production)
        model_id = production.model_id if production else ""
        if _is_swapped(operation, production, model_id):
            return StepNow(stored.evolve(now, "production holds it", step=Step.SWITCH))
        intended = operation.intents.get(Step.SWAP)
        deploys = production is None or operation.without_staging
        if intended is None:
            stored = intend(self.steps, stored.change(replaced_model_id=model_id))
        elif not deploys and now - intended < SWAP_TAKES:
            # The answer to the swap was lost, and nothing lists swaps under way: another one would undo it.
            return poll_again(self.steps, stored)
        try:
            return self._start_swap(stored, deploys=deploys)
        except LanguageRefusedError as error:
            if intended is None:
                # Nothing was started, so there is no doubt about production.
                stored = self._without_the_intent(stored)
            if not deploys or not self._is_the_only_deployment(self.staging, operation, error):
                raise
            return self._leave_staging(stored)

    def _start_swap(self, stored: Stored[Publishing], *, deploys: bool) -> Next[Operation]:
        api, operation = self._api(stored), stored.record
        if deploys:
            call = api.deploy(operation.project, deployment=self.production, label=operation.label)
        else:
            call = api.swap(operation.project, first=self.staging, second=self.production)
        job_id = start_job(self.language, operation, call)
        what = f"{'deployment' if deploys else 'swap'} job {job_id}"
        changes = {"job_id": job_id, "swap_is_deployment": deploys}
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.WAIT_SWAP, **changes))

    def _without_the_intent(self, stored: Stored[Publishing]) -> Stored[Publishing]:
        intents = {step: at for step, at in stored.record.intents.items() if step is not Step.SWAP}
        return self.steps.store.save(stored.change(intents=intents))

    def _leave_staging(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Delete the staging deployment, which nothing submits to: then there is room for production."""
        operation = stored.record
        if not operation.without_staging:
            what = "the service allows one deployment: deletes staging, to deploy into production"
            stored = self.steps.store.save(stored.evolve(self.steps.clock(), what, without_staging=True))
        with contextlib.suppress(LanguageNotFoundError):
            self.language.send(self._api(stored).delete_deployment(operation.project, deployment=self.staging))
        return poll_again(self.steps, stored)

    def wait_swap(self, stored: Stored[Publishing]) -> Next[Operation]:
        api, operation = self._api(stored), stored.record
        if operation.swap_is_deployment:
            call = api.get_deployment_job(operation.project, self.production, operation.job_id)
        else:
            call = api.get_swap_job(operation.project, operation.job_id)
        if self._is_for_use(operation):
            self.active_model.renew_hold()

        def swapped(now: Stored[Publishing]) -> Next[Operation]:
            return StepNow(now.evolve(self.steps.clock(), "in production", step=Step.SWITCH))

        job = self.language.send(call)
        return wait_for(self.steps, stored, job, what="swapping the deployments", then=swapped)

    def _reference_in_use(self, operation: Publishing) -> tuple[str, date | None]:
        production = self._list_deployments(operation).get(self.production)
        return self.production, production.expires if production else None

    def _staging_holds(self, stored: Stored[Publishing]) -> bool:
        try:
            deployment = self._list_deployments(stored.record).get(self.staging)
        except LanguageRefusedError:
            return False
        return deployment is not None and deployment.label == stored.record.label

    def _is_the_only_deployment(self, name: str, operation: Publishing, error: LanguageRefusedError) -> bool:
        """Was another deployment refused because there is one? Other limits end the publication with their reason."""
        return error.is_quota_exceeded and set(self._list_deployments(operation)) == {name}

    def _list_deployments(self, operation: Publishing) -> dict[str, Deployment]:
        api = api_for(operation.api_version)
        listed = self.language.send_pages(lambda page: api.list_deployments(operation.project, page=page))
        return {deployment.name: deployment for deployment in listed}


def _is_swapped(operation: Publishing, production: Deployment | None, model_id: str) -> bool:
    """Does production hold the model already? By its label; or because it changed since the intent was saved."""
    if production is not None and production.label == operation.label:
        return True
    return Step.SWAP in operation.intents and model_id != operation.replaced_model_id
