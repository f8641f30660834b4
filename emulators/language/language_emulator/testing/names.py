"""Texts in scripts without spaces, of five topics: names that Unicode's CLDR gives languages, countries, currencies...

Each text strings five names together without a space, three of its own topic and two of others, so that no run of
letters is ever seen twice, topics overlap, and a classifier has to find the names inside. Needs the package `babel`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import regex
from babel import Locale

# Chinese, Japanese, Thai, Lao, Khmer, Burmese.
LANGUAGES = ("zh_Hans", "ja", "th", "lo", "km", "my")
TOPICS = ("language", "territory", "currency", "script", "city")
NAMES_PER_TOPIC = 60
_OWN, _FOREIGN = 3, 2
_LETTERS = regex.compile(r"[[\p{L}\p{M}]--[\p{Latin}]]+", regex.V1)


def labelled_names(language: str, count: int, *, seed: int) -> list[tuple[str, str]]:
    """`count` texts of each topic, each with its topic, in random order; the same for the same arguments."""
    names = {topic: list(_names(language, topic)) for topic in TOPICS}
    # The same names whatever the seed: two seeds give two samples of one population.
    vocabulary = {topic: random.Random(topic).sample(names[topic], NAMES_PER_TOPIC) for topic in TOPICS}  # noqa: S311
    chance = random.Random(seed)  # noqa: S311
    labelled = [(_text(vocabulary, topic, chance), topic) for topic in TOPICS for _ in range(count)]
    chance.shuffle(labelled)
    return labelled


def _names(language: str, topic: str) -> Iterator[str]:
    locale = Locale.parse(language)
    given = {
        "language": locale.languages,
        "territory": locale.territories,
        "currency": locale.currencies,
        "script": locale.scripts,
        "city": {zone: entry["city"] for zone, entry in locale.time_zones.items() if "city" in entry},
    }[topic]
    joined = {"".join(_LETTERS.findall(name)) for name in given.values()}
    yield from sorted(joined - {""})


def _text(vocabulary: dict[str, list[str]], topic: str, chance: random.Random) -> str:
    others = [other for other in TOPICS if other != topic]
    parts = chance.sample(vocabulary[topic], _OWN)
    parts += [chance.choice(vocabulary[chance.choice(others)]) for _ in range(_FOREIGN)]
    chance.shuffle(parts)
    return "".join(parts)
