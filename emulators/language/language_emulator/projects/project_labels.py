"""A project's labels: imported with it, or the labels file as it is in the container now."""

from __future__ import annotations

from language_emulator import errors
from language_emulator.limits import CLASS_NAME_2021
from language_emulator.projects.labels import LabelSet, parse_labels
from language_emulator.projects.records import Project
from language_emulator.projects.storage import ProjectStorage


def read_labels(storage: ProjectStorage, project: Project) -> LabelSet:
    if project.labels is not None:
        return project.labels
    if project.labels_location is None:
        raise errors.project_incomplete("it has no labels; import some")
    raw = storage.find(project.container, project.labels_location)
    if raw is None:
        raise errors.labels_missing(project.labels_location, project.container)
    labels = parse_labels(raw, single_label=project.kind.is_single, class_name=CLASS_NAME_2021)
    return labels.at(project.labels_location)
