"""Containers and queues of a local run. In the cloud infra/ creates them; the app itself never does."""

from __future__ import annotations

from shared.services import Services


def provision(services: Services) -> None:
    """Create what is missing; repeating it changes nothing."""
    pipeline, training = services.pipeline, services.training
    for container in (pipeline.documents, pipeline.classifications, pipeline.failures, pipeline.state):
        container.ensure()
    training.open_container(services.settings.training_container).ensure()
    for queue in (pipeline.documents_queue, pipeline.collect_queue, pipeline.jobs_queue, training.operations_queue):
        queue.ensure()
