"""A project's labels: the whole file as it was PUT, the labels that were added since, and their two sides.

pipeline/labels/<project>.json holds the whole file, in the form of 2021-07. It is the truth once labels were PUT.
Before that the file in the project's training container is, which Language Studio or an earlier release has put there.

A version of the API that reads the file in the container itself finds only the documents to train on in it: what the
service is never shown cannot be trained on. The whole file is stored before that one is written, so that no crash loses
a label.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from shared.durable.state import readable
from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    ContainerNotAllowedError,
    LabelsFaultyError,
    LabelsMissingError,
    VersionChangedError,
)
from shared.json_input import parse_json
from shared.language.authoring_values import LabelledDocument, Project
from shared.models.golden import Split, split
from shared.models.label_checks import fold
from shared.models.labels import parse_labels
from shared.models.labels_file import LabelsFile, to_july_form
from shared.storage.ports import BlobStore

DEFAULT_LABELS = "labels.json"
LISTED_PROBLEMS = 5
# Metadata of the file in the container as this app wrote it: its bytes. Whoever replaces the file drops or belies it.
_WRITTEN = "written"


@dataclass(frozen=True)
class ProjectLabels:
    """A project's labels together with those that were added, and their two sides.

    `outdated_file`: something other than this app has replaced the file in the container since labels were PUT. It does
    not count.
    """

    file: LabelsFile
    sides: Split
    outdated_file: bool


def no_added_labels(_project: str) -> Sequence[LabelledDocument]:
    """Where nothing adds labels."""
    return ()


@dataclass(frozen=True)
class LabelsStore:
    """Labels by project, in the app's state container and in the projects' own.

    `containers` are those that a project may have. `golden_percent` of the documents for which the file names no side
    are golden. `added_labels` are those that people gave since the file was PUT, by project.
    """

    state: BlobStore
    open_container: Callable[[str], BlobStore]
    containers: tuple[str, ...]
    golden_percent: int
    added_labels: Callable[[str], Sequence[LabelledDocument]] = no_added_labels

    def get(self, project: Project) -> ProjectLabels:
        """The labels that a retraining takes now.

        Raises LabelsMissingError, LabelsFaultyError, StateUnreadableError.
        """
        stored = self._stored(project)
        whole = stored or self._file_in_container(project)
        return self._with_added(project, whole, outdated_file=stored is not None and self._is_replaced(project))

    def find(self, project: Project) -> LabelsFile:
        """The whole labels file with the added labels. Raises as `get`."""
        return self.get(project).file

    def golden(self, project: Project) -> list[LabelledDocument]:
        """The documents that models are judged by, in the order of the file. Reads the whole file; raises as `get`."""
        return self.get(project).sides.golden

    def sides(self, labels: LabelsFile) -> Split:
        return split(labels.documents, percent=self.golden_percent)

    def put(self, project: Project, labels: LabelsFile, *, service_reads_file: bool) -> None:
        """Replace the labels: the whole file first, then the file in the container, whatever that was.

        `service_reads_file`: the API version takes its labels from there. Raises StateUnreadableError.
        """
        name = stored_labels_blob(project.name)
        with readable(name):
            self.state.put(name, to_july_form(labels, language=project.language))
        self._write_file(project, labels, self.sides(labels).training if service_reads_file else labels.documents)

    def leave_training_documents(self, project: Project) -> ProjectLabels:
        """Leave in the file that the service reads only the documents to train on. Raises as `get`.

        It may be repeated, and after any crash. Labels that were never PUT are stored as a whole first, so that from
        now on they count as PUT. What something else has written over our file is kept as
        pipeline/labels/<project>~replaced.json.
        """
        stored = self._stored(project)
        whole = stored or self._file_in_container(project)
        labels = self._with_added(project, whole, outdated_file=False)
        if stored is None:
            if labels.sides.training == whole.documents:
                return labels  # nothing is golden and nothing was added: the file is right as it is
            try:
                self.state.create(stored_labels_blob(project.name), to_july_form(whole, language=project.language))
            except VersionChangedError:  # labels were PUT meanwhile
                return self.leave_training_documents(project)
        elif self._is_replaced(project):
            labels = ProjectLabels(labels.file, labels.sides, outdated_file=self._keep_replaced(project, stored))
        try:
            self._write_file(project, labels.file, labels.sides.training)
        except BlobUnreadableError as error:
            raise _unwritable(project, error) from error
        return labels

    def restore_file(self, project: Project) -> None:
        """Make the file in the container whole again, before what is stored of the project is deleted."""
        if project.container not in self.containers:
            return
        stored = self._stored(project)
        if stored is not None and not self._is_replaced(project):
            self._write_file(project, stored, stored.documents)

    def delete(self, project: str) -> None:
        """Forget the stored labels. The file in the container stays."""
        self.state.delete(stored_labels_blob(project))

    def _with_added(self, project: Project, whole: LabelsFile, *, outdated_file: bool) -> ProjectLabels:
        labels = whole.with_added(self.added_labels(project.name))
        problems = fold(labels.problems + labels.kind_fits(project.kind))
        if problems:
            listed = "; ".join(f"{each.place}: {each.what}" for each in problems[:LISTED_PROBLEMS])
            raise LabelsFaultyError(
                f"{labels_blob(project)!r} has {len(problems)} problems ({listed}); PUT the labels to see all of them"
            )
        sides = self.sides(labels)
        if labels.placed and not sides.training:
            raise LabelsFaultyError(
                f"all {len(sides.golden)} documents are golden, and none is left to train on; label more, or write "
                "Train as the dataset of most"
            )
        return ProjectLabels(labels, sides, outdated_file)

    def _stored(self, project: Project) -> LabelsFile | None:
        """What was PUT, whichever container the project has now: one that is not allowed is never read or written."""
        if project.container not in self.containers:
            raise LabelsMissingError(str(ContainerNotAllowedError(project.container, allowed=self.containers)))
        name = stored_labels_blob(project.name)
        with readable(name):
            try:
                labels = parse_labels(json.loads(self.state.read(name).data))
            except BlobNotFoundError:
                return None
            if labels.problems:
                raise ValueError("no labels file")
        return labels

    def _file_in_container(self, project: Project) -> LabelsFile:
        name = labels_blob(project)
        try:
            return parse_labels(parse_json(self.open_container(project.container).read(name).data))
        except (BlobNotFoundError, BlobUnreadableError, ValueError) as error:
            raise LabelsMissingError(
                f"the container {project.container!r} has no readable {name!r}; PUT the project's labels first"
            ) from error

    def _is_replaced(self, project: Project) -> bool:
        """Whether the file in the container is there and not as this app wrote it."""
        info = self.open_container(project.container).find(labels_blob(project))
        return info is not None and info.metadata.get(_WRITTEN) != str(info.size)

    def _keep_replaced(self, project: Project, stored: LabelsFile) -> bool:
        """Keep what our file was replaced by; False when it says the same as what is stored, or is gone."""
        try:
            data = self.open_container(project.container).read(labels_blob(project)).data
        except BlobNotFoundError:
            return False
        except BlobUnreadableError as error:
            raise _unwritable(project, error) from error
        language = project.language
        try:
            # As after a crash between storing labels that were never PUT and writing the file.
            is_same = to_july_form(parse_labels(parse_json(data)), language=language) == to_july_form(
                stored, language=language
            )
        except ValueError:
            is_same = False
        if not is_same:
            self.state.put(replaced_labels_blob(project.name), data)
        return not is_same

    def _write_file(self, project: Project, labels: LabelsFile, documents: Sequence[LabelledDocument]) -> None:
        data = to_july_form(labels, language=project.language, documents=documents)
        self.open_container(project.container).put(labels_blob(project), data, metadata={_WRITTEN: str(len(data))})


def labels_blob(project: Project) -> str:
    """Where the labels file lies in the project's container; versions that take labels by import do not keep a name."""
    return project.labels_location or DEFAULT_LABELS


def stored_labels_blob(project: str) -> str:
    return f"labels/{quote(project, safe='')}.json"


def replaced_labels_blob(project: str) -> str:
    """No project's own: no name may have a tilde."""
    return f"labels/{quote(project, safe='')}~replaced.json"


def _unwritable(project: Project, error: BlobUnreadableError) -> LabelsMissingError:
    return LabelsMissingError(
        f"the labels file {labels_blob(project)!r} of the container {project.container!r} cannot be replaced: {error}"
    )
