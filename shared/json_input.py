"""JSON from outside, read alike wherever it comes in: in any encoding that clients send, or not at all. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# A value costs up to 100 times its bytes in memory ("[]," is 3), so values are counted before anything is read. The
# labels of 100,000 documents have some 700,000.
MAX_VALUES = 2_000_000


def parse_json(data: bytes, *, codecs: Sequence[str] = ()) -> Any:
    """The value that the bytes hold. Raises ValueError for whatever is wrong, nesting that is too deep included.

    A byte order mark, or the zero bytes that UTF-16 and UTF-32 leave, decide on the encoding; then `codecs`, which the
    sender gave; then UTF-8. A key that occurs twice in one object is refused, because one of the two would be lost.
    """
    values = data.count(b"[") + data.count(b"{") + data.count(b",")
    if values > MAX_VALUES:
        raise ValueError(f"it has about {values} values; {MAX_VALUES} are read at most")
    try:
        return json.loads(decode_json(data, codecs), object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ValueError("lists and objects are nested too deeply") from None


def decode_json(data: bytes, codecs: Sequence[str] = ()) -> str:
    """The text of the JSON, without its byte order mark. Raises ValueError."""
    detected = json.detect_encoding(data)
    tries = codecs if codecs and detected == "utf-8" else (detected,)
    for codec in tries:
        try:
            return data.decode(codec)
        except UnicodeDecodeError as error:
            problem = f"byte {error.start} does not fit {codec}; save it as UTF-8, or give its charset in Content-Type"
    raise ValueError(problem)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key[:100]!r} occurs twice in one object")
        seen.add(key)
    return found
