"""Which legacy encoding bytes without any other evidence are in: the likeliest of the usual ones. Pure.

Every language of languages.py is tried in every encoding its texts come in. A reading is as likely as its characters
beyond ASCII are frequent in the language, and as its words are well formed: no symbol inside a word, no capital after a
small letter, no two scripts in one word. A detector that compares shapes alone calls Hungarian French, Japanese Korean
and an English letter with one accent Chinese.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from shared.documents.languages import (
    ALPHABETS,
    CHINESE_SIMPLIFIED,
    CHINESE_TRADITIONAL,
    HIRAGANA,
    JAPANESE,
    KATAKANA,
    KOREAN,
    LATIN,
)

# So many bytes with evidence are weighed; more change nothing but the time.
SAMPLE_BYTES = 3_000
SEARCHED_BYTES = 262_144
# Below this mean (natural logarithm of the probability of a byte) nothing usual fits.
IMPLAUSIBLE = -6.5

_PUNCTUATION = "\u00a0’»«“”–„…—€‘°·‚¿¡£§•©®´×²½\u00ad±³¼¾ªº™‹›¢¥№µ†‰"
_CJK_PUNCTUATION = "、。，．・：；？！「」『』（）〜～《》【】“”‘’…—\u3000"
_ELSE = math.log(2e-5)
_CAPITAL_FIRST, _CAPITAL_NEXT, _CAPITAL_INSIDE = math.log(0.1), math.log(0.7), math.log(0.002)
_SYMBOL_INSIDE, _SIGN_BEFORE, _TWO_SCRIPTS, _SECOND_ACCENT, _ALONE = -3.0, -2.0, -4.0, math.log(0.25), -2.0
# Every reading pays for its ASCII characters too: where two bytes make one character, the second may look like ASCII.
_ASCII_LETTER, _ASCII_OTHER = -2.9, -4.0
_SIGNS = "©®™°§²³½¼¾±¢µ†‰·´"
_WORD = 1.5
_MOST_WORDS = 8

# How usual an encoding is among files that are not UTF-8, where two of them fit a text alike.
_PRIOR = {"cp1252": 2.0, "cp1250": 0.5, "cp1251": 0.5, "cp932": 0.5}
_PRIOR |= dict.fromkeys(
    ("cp850", "cp852", "cp866", "cp857", "cp775", "cp855", "cp737", "cp862", "cp869", "cp1125"), -3.0
)
_PRIOR |= dict.fromkeys(("cp437", "mac_roman", "mac_latin2", "mac_cyrillic", "mac_greek", "mac_turkish"), -4.0)

_NOT_BLANK = re.compile(rb"[^\t\n\x0b\x0c\r ]+")
_HIGH = re.compile(rb"[\x80-\xff]")
_ASCII_WORD = re.compile(rb"(?<![\x80-\xff])\b[A-Za-z]+\b(?![\x80-\xff])")


@dataclass(frozen=True)
class Guess:
    """An encoding, the language that made it likely, and the mean log probability of a byte."""

    encoding: str
    language: str
    likelihood: float

    @property
    def is_plausible(self) -> bool:
        return self.likelihood >= IMPLAUSIBLE


@dataclass(frozen=True)
class _Model:
    language: str
    encoding: str
    letters: Mapping[str, float]
    is_latin: bool = False
    is_east_asian: bool = False


def guess_encodings(data: bytes) -> list[Guess]:
    """The usual encodings that the sample fits, likeliest first; empty when there is no byte beyond ASCII."""
    sample = _sample(data)
    if not sample:
        return []
    words = _language_evidence(data)
    readings: dict[str, str | None] = {}
    guesses = []
    for model in _models():
        if model.encoding not in readings:
            readings[model.encoding] = _read(sample, model.encoding)
        text = readings[model.encoding]
        if text is not None:
            score = _likelihood(text, model) + _PRIOR.get(model.encoding, 0.0)
            score += words.get(model.language, 0.0) if model.is_latin else 0.0
            guesses.append(Guess(model.encoding, model.language, score / len(sample)))
    return sorted(guesses, key=lambda guess: -guess.likelihood)


def _sample(data: bytes) -> bytes:
    """The words that hold bytes beyond ASCII, each once: blanks are blanks in all these encodings."""
    found: dict[bytes, None] = {}
    size = 0
    for match in _NOT_BLANK.finditer(data, 0, SEARCHED_BYTES):
        word = match[0]
        if word not in found and _HIGH.search(word):
            found[word] = None
            size += len(word) + 1
            if size > SAMPLE_BYTES:
                break
    return b"\n".join(found)[:SAMPLE_BYTES]


def _read(sample: bytes, encoding: str) -> str | None:
    """The sample's text, without a last character that may have been cut; None when the bytes do not fit."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None


def _language_evidence(data: bytes) -> dict[str, float]:
    """For each language in Latin letters how far its frequent words are behind those of the best one."""
    words = [word.decode().lower() for word in _ASCII_WORD.findall(data[:65_536])]
    hits = {name: min(_MOST_WORDS, sum(word in each.words for word in words)) for name, each in LATIN.items()}
    best = max(hits.values())
    return {name: _WORD * (count - best) for name, count in hits.items()}


def _likelihood(text: str, model: _Model) -> float:
    score = 0.0
    before = "\n"
    for index, character in enumerate(text):
        if character < "\x80":
            score += (_ASCII_LETTER if character.isalpha() else _ASCII_OTHER) if character != "\n" else 0.0
        else:
            score += model.letters.get(character.lower(), _ELSE)
            score += _form(character, model, before=before, after=text[index + 1 : index + 2])
        before = character
    return score


def _form(character: str, model: _Model, *, before: str, after: str) -> float:
    """How well formed the word is at this character."""
    if not character.isalpha():
        if not after.isalpha() or character in "’·\u00ad\u200c" or unicodedata.combining(character):
            return 0.0
        return _SYMBOL_INSIDE if before.isalpha() else _SIGN_BEFORE if character in _SIGNS else 0.0
    if model.is_east_asian:
        return _TWO_SCRIPTS if (before.isascii() and before.isalpha()) else 0.0
    score = 0.0 if before.isalpha() or after.isalpha() or unicodedata.combining(after or " ") else _ALONE
    if character.isupper():
        if before.islower():
            score += _CAPITAL_INSIDE
        else:
            score += _CAPITAL_NEXT if before.isupper() else _CAPITAL_FIRST
    elif before.isupper() and after.isupper():
        score += _CAPITAL_INSIDE
    if model.is_latin:
        score += _SECOND_ACCENT if before >= "\x80" and before.isalpha() else 0.0
    elif before.isascii() and before.isalpha():
        score += _TWO_SCRIPTS
    if not model.is_latin and after.isascii() and after.isalpha():
        score += _TWO_SCRIPTS
    return score


@cache
def _models() -> tuple[_Model, ...]:
    return (*_alphabetic_models(), *_east_asian_models())


def _alphabetic_models() -> Iterator[_Model]:
    for languages, is_latin in ((LATIN, True), (ALPHABETS, False)):
        for name, language in languages.items():
            share = _falling(language.letters, 0.9, steepness=2.5 if is_latin else 3.4)
            letters = _logarithms([share, _falling(_PUNCTUATION, 0.1, steepness=4.0)])
            for encoding in language.encodings:
                yield _Model(name, encoding, letters, is_latin)


def _east_asian_models() -> Iterator[_Model]:
    punctuation = _even(_CJK_PUNCTUATION, 0.08)
    kana = [_falling(HIRAGANA, 0.42, steepness=3.0), _falling(KATAKANA, 0.12, steepness=2.0)]
    # The rows of the standards that hold the characters in everyday use, and the rows of rare ones.
    japanese = [
        punctuation,
        *kana,
        _even(JAPANESE, 0.15),
        _rows("euc_jp", range(0xB0, 0xD0), 0.2),
        _rows("euc_jp", range(0xD0, 0xF5), 0.01),
    ]
    simplified = [
        punctuation,
        _even(CHINESE_SIMPLIFIED, 0.6),
        _rows("gb2312", range(0xB0, 0xD8), 0.3),
        _rows("gb2312", range(0xD8, 0xF8), 0.01),
    ]
    traditional = [
        punctuation,
        _even(CHINESE_TRADITIONAL, 0.6),
        _big5(range(0xA4, 0xC7), 0.3),
        _big5(range(0xC9, 0xFA), 0.01),
    ]
    korean = [
        punctuation,
        _even(KOREAN, 0.65),
        _rows("euc_kr", range(0xB0, 0xC9), 0.26),
        _rows("euc_kr", range(0xCA, 0xFE), 0.01),
    ]
    for language, shares, encodings in (
        ("Japanese", japanese, ("cp932", "euc_jp")),
        ("Simplified Chinese", simplified, ("gb18030",)),
        ("Traditional Chinese", traditional, ("big5hkscs",)),
        ("Korean", korean, ("cp949",)),
    ):
        letters = _logarithms(shares)
        for encoding in encodings:
            yield _Model(language, encoding, letters, is_east_asian=True)


def _falling(letters: str, mass: float, *, steepness: float) -> dict[str, float]:
    """Probabilities that fall evenly from the first letter to the last."""
    weights = {letter: math.exp(-steepness * rank / len(letters)) for rank, letter in enumerate(dict.fromkeys(letters))}
    total = sum(weights.values())
    return {letter: mass * weight / total for letter, weight in weights.items()}


def _even(letters: str, mass: float) -> dict[str, float]:
    distinct = set(letters)
    return dict.fromkeys(distinct, mass / len(distinct))


def _rows(encoding: str, leads: range, mass: float) -> dict[str, float]:
    pairs = (bytes((lead, trail)) for lead in leads for trail in range(0xA1, 0xFF))
    return _even("".join(pair.decode(encoding, "ignore") for pair in pairs), mass)


def _big5(leads: range, mass: float) -> dict[str, float]:
    trails = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    pairs = (bytes((lead, trail)) for lead in leads for trail in trails)
    return _even("".join(pair.decode("big5", "ignore") for pair in pairs), mass)


def _logarithms(shares: list[dict[str, float]]) -> dict[str, float]:
    """The logarithm of each character's probability, summed over the shares it is in."""
    total: dict[str, float] = {}
    for share in shares:
        for letter, probability in share.items():
            total[letter] = total.get(letter, 0.0) + probability
    return {letter: math.log(probability) for letter, probability in total.items()}
