"""The Language service's own labels files, in any form it has had (shared/models/labels.py), beside their documents."""

from __future__ import annotations

from pathlib import Path

from cli.forms.rows import Columns, FormError, Reading, Row
from shared.json_input import parse_json
from shared.models.labels import parse_labels

LABELS = "labels.json"


def read(path: Path, _: Columns) -> Reading:
    file = path / LABELS if path.is_dir() else path
    try:
        labels = parse_labels(parse_json(file.read_bytes()))
    except OSError as error:
        raise FormError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FormError(f"{file} is not JSON: {error}") from error
    if not labels.placed and labels.problems:
        raise FormError(f"{file}: {labels.problems[0].what}")
    reading = Reading(kind=labels.kind)
    wrong = {problem.place.partition("]")[0]: problem for problem in reversed(labels.problems)}
    for place, document in labels.placed.items():
        problem = wrong.pop(place.removesuffix("]"), None)
        if problem is not None:
            reading.refuse(problem.place, problem.what)
            continue
        reading.rows.append(
            Row(
                place,
                document.classes,
                file=document.location,
                name=document.location,
                language=document.language,
                dataset=document.dataset,
            )
        )
    for problem in wrong.values():
        reading.refuse(problem.place or "the file", problem.what)
    return reading
