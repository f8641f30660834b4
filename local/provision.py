"""Containers and queues of a local run. In the cloud infra/ creates them; the app itself never does."""

from __future__ import annotations

from shared.services import Services


def provision(services: Services) -> None:
    """Create what is missing; repeating it changes nothing."""
    settings, adapters = services.settings, services.adapters
    for container in (
        settings.documents_container,
        settings.classifications_container,
        settings.failures_container,
        settings.pipeline_container,
        settings.training_container,
    ):
        adapters.open_container(container).ensure()
    for queue in (
        settings.documents_queue,
        settings.collect_queue,
        settings.batches_queue,
        settings.operations_queue,
        settings.events_queue,
    ):
        adapters.open_queue(queue).ensure()
