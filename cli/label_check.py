"""What is likely to be wrong with labels: near-duplicates, leaks between training and golden, likely mistakes.

Likely mistakes by confident learning (Northcutt, Jiang, Chuang 2021, https://arxiv.org/abs/1911.00068): models that
have not seen a document say how well each class fits it, and it is suspect the more another one fits better than those
it has. Five simple models vote, because on small and unbalanced sets no single one is good: ridge regression, naive
Bayes over words and over letters, and the nearest neighbours by words and by topics (`python -m bench label-errors`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 10
SEED = 20
TOPICS = 150
NEIGHBOURS = 20
RIDGE = 3
DENSE_ROWS = 5_000
# Of words, letters and topics in the likeness of two documents.
_SHARES = (0.5, 0.5, 0.6)
# The weight of the best other class against the least fitting of those that the document has.
OTHERS_COUNT = 0.5
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
    """A document whose labels are likely wrong. `doubt` is 0 (fits) to 1 (does not); the greatest first.

    `is_likely`: the other answer fits as well as it does documents that are labelled so, on average.
    """

    document: int
    labelled: tuple[str, ...]
    suggested: tuple[str, ...]
    doubt: float
    is_likely: bool


@dataclass(frozen=True)
class Judged:
    """Of each document and class how well it fits (a logarithm of odds, roughly, against how frequent the class is), by
    models that had not seen the document; and what is labelled.

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
    """Cross-validation: each document is judged by models of the other folds. Raises ValueError for too few."""
    import numpy as np
    from sklearn.model_selection import KFold

    counts = Counter(name for names in labels for name in names)
    classes = sorted(name for name, count in counts.items() if count >= 2)
    if len(classes) < 2 or len(texts) < 2 * FOLDS:
        raise ValueError(f"{len(texts)} documents in {len(classes)} classes of two or more are too few to learn from")
    numbers = {name: number for number, name in enumerate(classes)}
    labelled = np.zeros((len(texts), len(classes)), dtype=bool)
    for document, names in enumerate(labels):
        labelled[document, [numbers[name] for name in names if name in numbers]] = True
    views = _views(texts, seed)
    votes = [np.zeros(labelled.shape) for _ in range(5)]
    for rest, held_back in KFold(FOLDS, shuffle=True, random_state=seed).split(labelled):
        learnt = labelled[rest].astype(float)
        for vote, fitted in zip(votes, _vote(views, rest, held_back, learnt), strict=True):
            vote[held_back] = fitted
    fits = sum(vote / max(vote.std(), 1e-12) for vote in votes)
    return Judged(classes, np.asarray(fits), labelled, is_single)


@dataclass(frozen=True)
class _Views:
    """The documents as rows of length 1, over words, letters and topics. `all` has all of them; of few documents it is
    their likeness to each other instead (`is_likeness`), from which ridge regression has the same answer sooner."""

    words: Any
    letters: Any
    topics: Any
    all: Any
    is_likeness: bool


def _views(texts: Sequence[str], seed: int) -> _Views:
    """Of the texts alone; labels come in later."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    words = _weighed(TfidfVectorizer, texts, analyzer=_tokens)
    letters = _weighed(TfidfVectorizer, texts, analyzer="char_wb", ngram_range=(3, 5))
    topics = []
    for view in (words, letters):
        count = min(TOPICS, *(size - 1 for size in view.shape))
        if count >= 1:
            topics.append(normalize(TruncatedSVD(count, random_state=seed).fit_transform(view)))
    dense = np.hstack(topics) / np.sqrt(len(topics)) if topics else np.zeros((len(texts), 1))
    views = [words, letters, dense]
    if len(texts) <= DENSE_ROWS:
        alike = [view @ view.T for view in views]
        total = sum(share * np.asarray(_dense(each)) for share, each in zip(_SHARES, alike, strict=True))
        return _Views(words, letters, dense, total, is_likeness=True)
    weighed = [np.sqrt(share) * view for share, view in zip(_SHARES, views, strict=True)]
    everything = hstack([*weighed[:2], csr_matrix(weighed[2])]).tocsr()
    return _Views(words, letters, dense, everything, is_likeness=False)


def _dense(matrix: Any) -> Any:
    return matrix.todense() if hasattr(matrix, "todense") else matrix


def _weighed(vectorizer: Any, texts: Sequence[str], **how: Any) -> Any:
    """What occurs in one document only says nothing of another; in a small set everything may."""
    import numpy as np

    try:
        return vectorizer(sublinear_tf=True, min_df=2, dtype=np.float32, **how).fit_transform(texts).tocsr()
    except ValueError:
        return vectorizer(sublinear_tf=True, dtype=np.float32, **how).fit_transform(texts).tocsr()


def _vote(views: _Views, rest: Any, held_back: Any, learnt: Any) -> Iterator[Any]:
    """What each of the five models says of the documents that were held back."""
    import numpy as np
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import Ridge

    share = learnt.mean(axis=0)
    if views.is_likeness:
        model = KernelRidge(alpha=RIDGE, kernel="precomputed").fit(views.all[np.ix_(rest, rest)], learnt - share)
        answers = model.predict(views.all[np.ix_(held_back, rest)])
    else:
        model = Ridge(alpha=RIDGE, fit_intercept=False, solver="sparse_cg").fit(views.all[rest], learnt - share)
        answers = model.predict(views.all[held_back])
    yield answers / np.sqrt(np.maximum(share * (1 - share), 1e-9))
    for view in (views.words, views.letters):
        yield _naive_bayes(view[rest], learnt, view[held_back])
    for view in (views.words, views.topics):
        yield _neighbours(view[rest], learnt, view[held_back], share)


def _naive_bayes(known: Any, learnt: Any, asked: Any) -> Any:
    """For each class against the rest, without its frequency: whether the document's words are its words."""
    import numpy as np

    ours = np.asarray(learnt.T @ known)
    others = np.asarray(known.sum(axis=0)).ravel() - ours
    logs = [np.log((each + 0.1) / (each + 0.1).sum(axis=1, keepdims=True)) for each in (ours, np.maximum(others, 0))]
    return asked @ (logs[0] - logs[1]).T


def _neighbours(known: Any, learnt: Any, asked: Any, share: Any) -> Any:
    """How much more frequent a class is among the most alike documents than among all."""
    import numpy as np

    found = np.zeros((asked.shape[0], learnt.shape[1]))
    for start in range(0, asked.shape[0], _BLOCK):
        block = asked[start : start + _BLOCK] @ known.T
        alike = np.asarray(_dense(block), dtype=float)
        count = min(NEIGHBOURS, alike.shape[1])
        nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        weights = np.maximum(np.take_along_axis(alike, nearest, axis=1), 0)
        weighed = (weights[:, :, None] * learnt[nearest]).sum(axis=1)
        found[start : start + _BLOCK] = weighed / (weights.sum(axis=1, keepdims=True) + 1e-9)
    return np.log((found + 0.02) / (share + 0.02))


def suspects(judged: Judged) -> list[Suspect]:
    """Every labelled document, the most doubtful first."""
    import numpy as np

    fits, labelled = judged.fits, judged.labelled
    # How well a class fits the documents that have it: what "fits" means differs from class to class.
    usual = np.array([fits[labelled[:, number], number].mean() for number in range(len(judged.classes))])
    found = []
    for document in np.flatnonzero(labelled.any(axis=1)):
        row, has = fits[document], labelled[document]
        if has.all():
            continue
        best, worst = int(np.where(has, -np.inf, row).argmax()), int(np.where(has, row, np.inf).argmin())
        # What is there and does not fit says more than what fits and is not there: labels are rarely complete.
        doubt = 1 / (1 + np.exp(-(OTHERS_COUNT * row[best] - row[worst]) / 2))
        kept = {judged.classes[number] for number in np.flatnonzero(has) if number != worst}
        found.append(
            Suspect(
                int(document),
                tuple(judged.classes[number] for number in np.flatnonzero(has)),
                tuple(sorted(kept | {judged.classes[best]})),
                round(float(doubt), 4),
                bool(row[best] >= usual[best] and row[best] > row[worst]),
            )
        )
    return sorted(found, key=lambda each: (-each.doubt, each.document))


def by_cleanlab(judged: Judged) -> list[int]:
    """The same documents in cleanlab's order, from the same figures: the lowest of its quality scores first.

    Raises ImportError where cleanlab is not installed.
    """
    import numpy as np

    rows = np.flatnonzero(judged.labelled.any(axis=1))
    share = judged.labelled.mean(axis=0)
    chances = 1 / (1 + np.exp(-(judged.fits[rows] + np.log(share / (1 - share + 1e-9)))))
    if judged.is_single:
        from cleanlab.rank import get_label_quality_scores

        quality = get_label_quality_scores(
            judged.labelled[rows].argmax(axis=1), chances / chances.sum(axis=1, keepdims=True)
        )
    else:
        from cleanlab.multilabel_classification import get_label_quality_scores as of_several

        given = [[int(number) for number in np.flatnonzero(judged.labelled[row])] for row in rows]
        quality = of_several(given, chances)
    return [int(rows[place]) for place in np.argsort(quality, kind="stable")]
