"""From the rows of a form to labelled documents: each text found, named, and there once."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from cli.datasets import TRAINING_FOLDERS
from cli.forms.names import Form
from cli.forms.rows import Columns, Reading, Refused, Row
from shared.documents.ref import is_document_name
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind
from shared.models.labels_file import LabelsFile

_MODULES = {
    Form.FOLDERS: "folders",
    Form.CSV: "table",
    Form.JSONL: "json_lines",
    Form.LABEL_STUDIO: "label_studio",
    Form.DOCCANO: "doccano",
    Form.COMPREHEND: "comprehend",
    Form.VERTEX: "vertex",
    Form.SERVICE: "service",
}


@dataclass
class Collected:
    """`sources` are the documents by the name that they get in the container: a text, or the file that holds it."""

    form: Form
    kind: ProjectKind
    rows: int
    documents: dict[str, LabelledDocument] = field(default_factory=dict)
    sources: dict[str, Path | bytes] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def labels(self) -> LabelsFile:
        """The documents as a labels file; classes in the order of their names."""
        classes = sorted({name for document in self.documents.values() for name in document.classes})
        return LabelsFile(classes, dict(self.documents), kind=self.kind)

    def text_of(self, name: str) -> bytes:
        source = self.sources[name]
        return source.read_bytes() if isinstance(source, Path) else source


def read_form(form: Form, path: Path, columns: Columns, *, kind: ProjectKind | None = None) -> Collected:
    """Read the file. `kind` decides where the form leaves it open; several classes of a document make it multi-label.

    Raises FormError where the file is not of that form.
    """
    reading: Reading = import_module(f"cli.forms.{_MODULES[form]}").read(path, columns)
    several = any(len(row.classes) > 1 for row in reading.rows)
    kind = kind or reading.kind or (ProjectKind.MULTI if several else ProjectKind.SINGLE)
    collected = Collected(form, kind, reading.seen, refused=reading.refused, dropped=reading.dropped)
    base = path if path.is_dir() else path.parent
    texts: dict[bytes, str] = {}
    for row in reading.rows:
        _collect(collected, row, base, texts)
    return collected


def _collect(collected: Collected, row: Row, base: Path, texts: dict[bytes, str]) -> None:
    if not row.classes:
        collected.dropped["without a class"] += 1
        return
    if collected.kind is ProjectKind.SINGLE and len(row.classes) > 1:
        collected.refused.append(Refused(row.place, f"{len(row.classes)} classes; a single-label project takes one"))
        return
    source = _find_source(row, base)
    if isinstance(source, Refused):
        collected.refused.append(source)
        return
    data = source.read_bytes() if isinstance(source, Path) else source
    # Without the white space around it: one tool adds a last line end, and another does not.
    content = data.strip()
    if not content:
        collected.refused.append(Refused(row.place, "the document is empty"))
        return
    digest = hashlib.sha256(content).digest()
    name = row.name or stable_name(row, digest)
    same = texts.get(digest)
    if same is not None:
        _repeat(collected, row, same)
        return
    texts[digest] = name
    collected.documents[name] = LabelledDocument(name, row.language, row.classes, row.dataset)
    collected.sources[name] = source
    collected.places[name] = row.place


def _repeat(collected: Collected, row: Row, same: str) -> None:
    """The same text again would be learnt twice, and could be trained on and judged by at once."""
    if set(collected.documents[same].classes) == set(row.classes):
        collected.dropped["the same text and classes once more"] += 1
        return
    classes = ", ".join(collected.documents[same].classes)
    what = f"the same text as {collected.places[same]}, which has {classes} and not {', '.join(row.classes)}"
    collected.refused.append(Refused(row.place, what))


def stable_name(row: Row, digest: bytes) -> str:
    """The blob's name: at the root of the container, where the service looks, and the same whenever it is read again.

    It follows from the content, so that a document keeps its side (training or golden) in whichever file it comes.
    """
    if row.file is None:
        return f"{digest.hex()[:20]}.txt"
    stem = re.sub(r"[^a-z0-9]+", "-", Path(row.file).stem.lower()).strip("-")[:40]
    return f"{stem}-{digest.hex()[:12]}.txt" if stem else f"{digest.hex()[:20]}.txt"


def _find_source(row: Row, base: Path) -> Path | bytes | Refused:
    if row.file is None:
        return (row.text or "").encode("utf-8", errors="replace")
    if row.name is not None and not is_document_name(row.name):
        return Refused(row.place, f"{row.name} does not end in .txt")
    scheme, separator, rest = row.file.partition("://")
    if separator:
        # Downloaded with or without the folders of its bucket.
        path = next(
            (base / each for each in (rest.partition("/")[2], Path(rest).name) if (base / each).is_file()), None
        )
        return path or Refused(row.place, f"{row.file} is not here: download it to {base} ({scheme} is not read)")
    path = next((base / each / row.file for each in TRAINING_FOLDERS if (base / each / row.file).is_file()), None)
    return path or Refused(row.place, f"there is no file {row.file} in {base}")
