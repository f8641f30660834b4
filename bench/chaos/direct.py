"""The service asked directly, without the app: what the classes of a record should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from azurite_process.processes import wait_until
from bench.chaos.checker import Classes
from local.stack import Stack
from shared.documents.answers import merge_parts
from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB
from shared.documents.text import split_text
from shared.language.apis import api_for
from shared.language.values import TERMINAL, ModelRef, TextClasses, TextInput


@dataclass
class DirectAnalysis:
    """The service asked directly: what classes does this model give these texts?

    A deployment is pointed at another model when one is published, so each model gets one of its own to be asked by.
    """

    stack: Stack
    deployed: dict[str, str] = field(default_factory=dict)

    def __call__(self, model: ModelRef, texts: Sequence[str]) -> Sequence[Classes]:
        askable = self._askable(model)
        parts = [split_text(text, MAX_CHARACTERS_PER_JOB) for text in texts]
        flat = [part for document in parts for part in document]
        with ThreadPoolExecutor(2) as pool:
            found = [
                each for group in pool.map(lambda each: self._analyze(askable, each), _groups(flat)) for each in group
            ]
        answers = iter(found)
        merged = [merge_parts(model.kind, [(len(part), next(answers)) for part in document]) for document in parts]
        return [[(each.name, each.confidence) for each in classes] for classes in merged]

    def _askable(self, model: ModelRef) -> ModelRef:
        settings = self.stack.settings
        api, language = api_for(settings.language_api), self.stack.services.adapters.language
        if not api.has_deployments:
            return model
        if model.label not in self.deployed:
            name = f"check-{model.label}"
            job = language.send(api.deploy(model.project, deployment=name, label=model.label))
            wait_until(
                lambda: language.send(api.get_deployment_job(model.project, name, job)).status in TERMINAL,
                seconds=60,
                what=f"the deployment {name}",
            )
            self.deployed[model.label] = name
        return model.model_copy(update={"reference": self.deployed[model.label]})

    def _analyze(self, model: ModelRef, texts: Sequence[str]) -> list[TextClasses]:
        api = api_for(model.api_version or self.stack.settings.language_api)
        language = self.stack.services.adapters.language
        inputs = [TextInput(str(number), text) for number, text in enumerate(texts)]
        job = language.send(api.submit_analyze(inputs, model, display_name="check"))
        found: dict[str, TextClasses] = {}

        def is_complete() -> bool:
            page = language.send(api.get_analyze_job(job))
            if page.status not in TERMINAL:
                return False
            while True:
                found.update({text.id: text for text in page.texts})
                if page.next_page is None:
                    return True
                page = language.send(api.get_analyze_job(job, page=page.next_page))

        wait_until(is_complete, seconds=60, what="a direct analysis")
        return [found[each.id] for each in inputs]


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and (len(group) == MAX_DOCUMENTS_PER_JOB or characters + len(text) > MAX_CHARACTERS_PER_JOB):
            yield group
            group, characters = [], 0
        group.append(text)
        characters += len(text)
    if group:
        yield group
