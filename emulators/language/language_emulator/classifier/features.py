"""Texts as sparse TF-IDF rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from language_emulator.classifier.terms import split_terms

# Below this many documents a word seen once is kept; above, it is noise (reference measurements).
RARE_WORDS_BELOW = 200

Floats = npt.NDArray[np.float32]


class TextFeatures:
    """A vocabulary with its inverse document frequencies; `rows` gives one row for each text."""

    def __init__(self, terms: Sequence[str], inverse_frequencies: Floats) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.terms = list(terms)
        self.inverse_frequencies = inverse_frequencies
        vocabulary = {term: column for column, term in enumerate(self.terms)}
        self._vectorizer = TfidfVectorizer(
            analyzer=split_terms, vocabulary=vocabulary, sublinear_tf=True, dtype=np.float32
        )
        self._vectorizer.idf_ = inverse_frequencies

    def rows(self, texts: Sequence[str]) -> Any:
        """A sparse matrix, one row for each text; a text without a known term is a row of zeros."""
        return self._vectorizer.transform(texts)


def learn_features(texts: Sequence[str]) -> TextFeatures:
    """Take the vocabulary from `texts`; ValueError when they hold no words at all."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    rarest = 1 if len(texts) < RARE_WORDS_BELOW else 2
    learned = TfidfVectorizer(analyzer=split_terms, sublinear_tf=True, min_df=rarest, dtype=np.float32).fit(texts)
    return TextFeatures(learned.get_feature_names_out().tolist(), learned.idf_.astype(np.float32))
