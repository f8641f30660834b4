"""The demo's dataset: what SciPy's functions do, in the words of its documentation, sorted by subject.

A promise takes hundreds of labelled documents. These are real texts by many hands, their subjects were decided by
others, and they are on every machine that has this environment: nothing is downloaded, and nothing is kept here. What
gives the subject away (examples that import it, references to its neighbours) is left out, and so is what says almost
the same as another text, because a copy among the golden documents would flatter.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

SUBJECTS = {
    "statistics": ("stats",),
    "signals": ("signal",),
    "linear_algebra": ("linalg", "sparse.linalg"),
    "special_functions": ("special",),
    "images": ("ndimage",),
    "optimization": ("optimize",),
    "interpolation": ("interpolate",),
    "sparse_arrays": ("sparse", "sparse.csgraph"),
    "fourier_transforms": ("fft",),
    "distances_and_clusters": ("cluster.hierarchy", "spatial.distance", "spatial"),
    "integration": ("integrate",),
}
# The first of the sections, each a title underlined by hyphens, of a docstring in numpydoc's form; or an example.
_SECTION = re.compile(r"\n[A-Z][\w ]+\n-{3,}|\n\s*>>> ")
# The call that documentation of compiled functions begins with.
_CALL = re.compile(r"^\w+\([^\n]*\)\s*\n")
_LEAST_WORDS = 6
# Two texts with more than this share of their words in common are taken for one.
_ALIKE = 0.6
NEW_PERCENT = 28


def write_subjects(folder: Path) -> Path:
    """A dataset as cli/datasets.py reads it. Returns `folder`."""
    texts = dict(sorted(_different(_texts()).items(), key=lambda each: _digest(each[0])))
    new_from = len(texts) * (100 - NEW_PERCENT) // 100
    names, documents, expected = list(SUBJECTS), [], {}
    for number, (name, (subject, text)) in enumerate(texts.items()):
        is_new = number >= new_from
        if is_new:
            expected[name] = [subject]
        else:
            documents.append({"location": name, "culture": "en-us", "intents": [names.index(subject)]})
        path = folder / ("new" if is_new else "training") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    labels = {"intentNames": names, "documents": documents}
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    return folder


def _texts() -> Iterator[tuple[str, str, str]]:
    """Name, subject and text of each documented function and class."""
    for subject, modules in SUBJECTS.items():
        for module_name in modules:
            module = importlib.import_module(f"scipy.{module_name}")
            for name in sorted(module.__all__):
                what = getattr(module, name)
                text = _SECTION.split((inspect.getdoc(what) or "") if callable(what) else "")[0]
                text = _CALL.sub("", text).strip()
                if len(text.split()) >= _LEAST_WORDS:
                    yield f"{name}.txt", subject, text


def _different(texts: Iterator[tuple[str, str, str]]) -> dict[str, tuple[str, str]]:
    """By name; of texts that are almost the same, or of one name, the first."""
    found: dict[str, tuple[str, str]] = {}
    words: list[frozenset[str]] = []
    for name, subject, text in texts:
        mine = frozenset(re.findall(r"\w+", text.lower()))
        if name in found or any(len(mine & other) > _ALIKE * len(mine | other) for other in words):
            continue
        found[name] = subject, text
        words.append(mine)
    return found


def _digest(name: str) -> bytes:
    """Orders the names at random, the same way on every machine."""
    return hashlib.sha256(name.encode()).digest()
