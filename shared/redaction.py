"""What others say, made fit for our logs, records and answers: one short line without secrets or document text.

Others are the Language service, storage and whatever gateway stands before them. Some echo the request. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import unquote

MAX_WORDS = 100
MAX_CODE = 50
HIDDEN = "***"
REPEATED = "its words repeat what was sent"
# A message that has so many letters and digits in a row in common with a document shows the document.
RUN = 20
# A text shorter than a run counts as a whole, unless it is so short that any sentence may hold it.
_SHORTEST = 8
# An echo further behind than this is cut off anyway.
_LOOKED_AT = 2_000
# More than this of a message is not even looked through.
_MOST = 100_000

# Controls, line and paragraph separators, marks without width or that turn the direction, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
_SECRETS = (
    # SAS and connection strings
    re.compile(
        r"(?i)\b((?:sig|signature|AccountKey|SharedAccessKey|SharedAccessSignature|password|client_secret)=)"
        r"[^&;\s\"'<>]+"
    ),
    # a key of the Functions host in an address
    re.compile(r"(?i)([?&]code=)[^&\s\"'<>]+"),
    re.compile(r"(?i)\b((?:bearer|sharedkey|sharedkeylite|basic)[\s:]+)[A-Za-z0-9._~+/=:-]{8,}"),
    re.compile(
        r"(?i)\b((?:ocp-apim-subscription-key|subscription-key|api-key|x-functions-key|authorization)"
        r"['\"]?\s*[:=]?\s*['\"]?)(?!bearer|basic|sharedkey)[^\s\"',;&<>]+"
    ),
)
_BARE = (
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),  # a token
    re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}=="),  # a storage key
)


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text with keys, tokens and signatures hidden: those that are `known`, and what has the form of one."""
    for secret in known:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    for pattern in _BARE:
        text = pattern.sub(HIDDEN, text)
    return text


def clean(text: str, *, limit: int = MAX_WORDS, known_secrets: Iterable[str] = ()) -> str:
    """One line of at most `limit` characters, all of them visible, without secrets."""
    visible = _UNPRINTABLE.sub(" ", text[:_MOST])
    return " ".join(without_secrets(visible, known_secrets).split())[:limit]


def repeats(words: str, sent: Iterable[str]) -> bool:
    """Do the words show one of the texts that were sent, or a run of it, in whatever escapes and letter case?"""
    said = _letters(_unescaped(words[:_LOOKED_AT]))
    runs = {said[start : start + RUN] for start in range(len(said) - RUN + 1)}
    for text in map(_letters, sent):
        if len(text) < RUN:
            if len(text) >= _SHORTEST and text in said:
                return True
        elif any(run in text for run in runs):
            return True
    return False


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _unescaped(words: str) -> str:
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(unquote(words)))
    return re.sub(r"\\[abfnrtv]", " ", plain)
