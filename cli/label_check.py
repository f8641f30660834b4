"""What is likely to be wrong with labels: near-duplicates, leaks between training and golden, likely mistakes.

Likely mistakes by confident learning (Northcutt, Jiang, Chuang 2021, https://arxiv.org/abs/1911.00068): a model that
has not seen a document says how well each class fits it, and it is suspect the more another one fits better than those
it has. The model is a linear one over words and letters; it need not be good, only better than chance in most classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5
SEED = 20
NEAR = 0.9
# Rows that are compared with all others at a time: some tens of megabytes.
_BLOCK = 512
_WORD = r"\w+"
# Thai, and the scripts after it in Unicode's order, most of which put no spaces between words.
_UNSPACED = "\u0e00"


@dataclass(frozen=True)
class Pair:
    """Two documents, by their numbers, and how alike they are: 1 is the same words as often."""

    first: int
    second: int
    likeness: float


@dataclass(frozen=True)
class Suspect:
    """A document whose labels are likely wrong. `doubt` is -1 (fits) to 1 (does not); the greatest first.

    `is_likely`: the other answer fits as well as it does documents that are labelled so, on average.
    """

    document: int
    labelled: tuple[str, ...]
    suggested: tuple[str, ...]
    doubt: float
    is_likely: bool


@dataclass(frozen=True)
class Judged:
    """Of each document and class how well it fits, 0 to 1, by models that had not seen it; and what is labelled.

    `classes` are those with two documents at least: of others nothing can be held back and learnt at once.
    """

    classes: list[str]
    fits: NDArray[Any]
    labelled: NDArray[Any]
    is_single: bool


def near_duplicates(texts: Sequence[str], *, near: float = NEAR) -> list[Pair]:
    """Pairs of texts that have almost the same words, the most alike first. Cosine over words and pairs of words."""
    weights = _words(texts)
    pairs = []
    for start in range(0, len(texts), _BLOCK):
        alike = (weights[start : start + _BLOCK] @ weights[start:].T).tocoo()
        close = (alike.data >= near) & (alike.col > alike.row)
        found = zip(alike.row[close], alike.col[close], alike.data[close], strict=True)
        pairs += [Pair(start + int(one), start + int(other), round(float(by), 4)) for one, other, by in found]
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair.first, pair.second))


def _words(texts: Sequence[str]) -> Any:
    """Rows of length 1."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer=_tokens, use_idf=False, dtype=np.float32).fit_transform(texts)


def _tokens(text: str) -> list[str]:
    """Words and pairs of words; pairs of letters where a script puts no spaces between words. One at least."""
    words: list[str] = []
    for word in re.findall(_WORD, text.lower()):
        if word[0] < _UNSPACED:
            words.append(word)
        else:
            words += ["".join(pair) for pair in pairwise(word)] or [word]
    return [*words, *(" ".join(pair) for pair in pairwise(words))] or [text]


def judge(texts: Sequence[str], labels: Sequence[Sequence[str]], *, is_single: bool, seed: int = SEED) -> Judged:
    """Cross-validation: each document is judged by a model of the other folds. Raises ValueError for too few."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, StratifiedKFold

    counts: dict[str, int] = {}
    for names in labels:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    classes = sorted(name for name, count in counts.items() if count >= 2)
    if len(classes) < 2 or len(texts) < 2 * FOLDS:
        raise ValueError(f"{len(texts)} documents in {len(classes)} classes of two or more are too few to learn from")
    numbers = {name: number for number, name in enumerate(classes)}
    labelled = np.zeros((len(texts), len(classes)), dtype=bool)
    for document, names in enumerate(labels):
        labelled[document, [numbers[name] for name in names if name in numbers]] = True
    features = _features(texts)
    fits = np.zeros(labelled.shape)
    first = np.where(labelled.any(axis=1), labelled.argmax(axis=1), -1)
    splitter: Any = StratifiedKFold if is_single and min(counts.values()) >= FOLDS else KFold
    for rest, held_back in splitter(FOLDS, shuffle=True, random_state=seed).split(features, first):
        # Each class against the rest, so that a document may fit several, or none.
        for number in range(len(classes)):
            if labelled[rest, number].any() and not labelled[rest, number].all():
                model = LogisticRegression(C=10, solver="liblinear", random_state=seed)
                model.fit(features[rest], labelled[rest, number])
                fits[held_back, number] = model.predict_proba(features[held_back])[:, 1]
    if is_single:
        fits = fits / np.maximum(fits.sum(axis=1, keepdims=True), 1e-12)
    return Judged(classes, fits, labelled, is_single)


def _features(texts: Sequence[str]) -> Any:
    import numpy as np
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True, min_df=2, ngram_range=(1, 2), dtype=np.float32)
    letters = TfidfVectorizer(analyzer="char_wb", sublinear_tf=True, min_df=2, ngram_range=(2, 4), dtype=np.float32)
    return hstack([words.fit_transform(texts), letters.fit_transform(texts)]).tocsr()


def suspects(judged: Judged) -> list[Suspect]:
    """Every labelled document, the most doubtful first."""
    import numpy as np

    fits, labelled = judged.fits, judged.labelled
    # How well a class fits the documents that have it: what "fits" means differs from class to class.
    usual = np.array([fits[labelled[:, number], number].mean() for number in range(len(judged.classes))])
    ranked = []
    for document in np.flatnonzero(labelled.any(axis=1)):
        row, has = fits[document], labelled[document]
        others = np.where(has, -1.0, row)
        best, worst = int(others.argmax()), int(np.where(has, row, 2.0).argmin())
        doubt = float(others[best] - row[worst])
        is_likely = bool(row[best] >= usual[best] and doubt > 0)
        suggested = {judged.classes[number] for number in np.flatnonzero(has) if number != worst} | {
            judged.classes[best]
        }
        ranked.append(
            Suspect(
                int(document),
                tuple(judged.classes[number] for number in np.flatnonzero(has)),
                tuple(sorted(suggested)),
                round(doubt, 4),
                is_likely,
            )
        )
    return sorted(ranked, key=lambda each: (-each.doubt, each.document))


def by_cleanlab(judged: Judged) -> list[int]:
    """The same documents in cleanlab's order, from the same figures: the lowest of its quality scores first.

    Raises ImportError where cleanlab is not installed.
    """
    import numpy as np

    rows = np.flatnonzero(judged.labelled.any(axis=1))
    if judged.is_single:
        from cleanlab.rank import get_label_quality_scores

        quality = get_label_quality_scores(judged.labelled[rows].argmax(axis=1), judged.fits[rows])
    else:
        from cleanlab.multilabel_classification import get_label_quality_scores as of_several

        given = [[int(number) for number in np.flatnonzero(judged.labelled[row])] for row in rows]
        quality = of_several(given, judged.fits[rows])
    return [int(rows[place]) for place in np.argsort(quality, kind="stable")]
