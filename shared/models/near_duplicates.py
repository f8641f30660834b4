"""Texts that are the same, or almost, on two sides: of each only a sketch of a fixed size is kept and compared. Pure.

Two texts are compared by the triples of neighbouring words in them (w-shingling; Broder, "On the resemblance
and containment of documents", 1997). Their resemblance is the share of triples that both have of those that either has.
It is estimated from the smallest hashes of each (bottom-k sketch; Cohen and Kaplan, 2007), exactly where a text has no
more triples than that. Letter case, white space and punctuation do not count.

The cost is bounded: reading sorts a text's triples, and each text of the one side is compared with at most
MOST_COMPARED of the other, those that share most of their very smallest hashes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

# Of two texts of 100 words, one word in twenty may differ, or a paragraph of twenty be left out.
ALMOST = 0.7
# The estimate's standard error is 0.04 at ALMOST.
SKETCH = 128
# Of two texts that are ALMOST the same, the one has 6 or 7 of the other's INDEXED hashes, and fewer than SHARED once in
# 25,000 pairs.
INDEXED, SHARED = 8, 2
MOST_COMPARED = 50
# The beginning of a text stands for the rest: 20 pages.
READ_WORDS = 10_000

# Scripts without spaces between words give a word a letter: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Sketch:
    """What is kept of a text: the hash of all its words, and the smallest hashes of its triples, in their order."""

    whole: bytes
    smallest: tuple[int, ...]


@dataclass(frozen=True)
class NearDuplicate(Generic[K]):
    """A text of the one side, and the one of the other side that it resembles most."""

    one: K
    other: K
    is_same: bool


def sketch(text: str) -> Sketch:
    """What is compared of a text. Raises nothing, whatever the text."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    # Without a word, as in "???", the signs are all there is.
    whole = " ".join(words) if words else text.strip()
    codes = [zlib.crc32(_bytes(word)) for word in words[:READ_WORDS]]
    # The hash of a tuple of numbers is the same in every process; that of a text is not.
    shingles = set(map(hash, zip(codes, codes[1:], codes[2:], strict=False)))
    return Sketch(hashlib.blake2b(_bytes(whole), digest_size=16).digest(), tuple(sorted(shingles)[:SKETCH]))


def resemblance(one: Sketch, other: Sketch) -> float:
    """The share of common triples, from 0 to 1, as it is estimated."""
    both = sorted({*one.smallest, *other.smallest})[:SKETCH]
    shared = set(one.smallest).intersection(other.smallest)
    return sum(each in shared for each in both) / len(both) if both else 0.0


def near_duplicates(side: Mapping[K, Sketch], others: Mapping[K, Sketch]) -> list[NearDuplicate[K]]:
    """Each text of the one side that is the same as one of the others, or almost, with the one it resembles most."""
    same: dict[bytes, K] = {}
    index: defaultdict[int, list[K]] = defaultdict(list)
    for key, each in others.items():
        same.setdefault(each.whole, key)
        for shingle in each.smallest[:INDEXED]:
            index[shingle].append(key)
    found = []
    for key, each in side.items():
        if each.whole in same:
            found.append(NearDuplicate(key, same[each.whole], is_same=True))
        elif (nearest := _nearest(each, others, index)) is not None:
            found.append(NearDuplicate(key, nearest, is_same=False))
    return found


def _nearest(each: Sketch, others: Mapping[K, Sketch], index: Mapping[int, list[K]]) -> K | None:
    counts = Counter(other for shingle in each.smallest for other in index.get(shingle, ()))
    likely = [other for other, count in counts.most_common(MOST_COMPARED) if count >= SHARED or len(each.smallest) == 1]
    resemblances = {other: resemblance(each, others[other]) for other in likely}
    nearest = max(likely, key=resemblances.__getitem__, default=None)
    return nearest if nearest is not None and resemblances[nearest] >= ALMOST else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
