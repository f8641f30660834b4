"""Between the wire values of the host and the Python values of a handler, through the azure-functions library itself.

A `Datum` is a value with its wire type, as the host sends it over gRPC; the library's converters read and write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from functions_host.signatures import BoundType, converter_of
from functions_host.worker.input_stream import LazyInputStream

Metadata = Mapping[str, Datum]


@dataclass(frozen=True)
class BlobContent:
    """The content of a blob, not yet loaded."""

    load: Callable[[], bytes]


@dataclass(frozen=True)
class TriggerData:
    """What starts an invocation: the trigger's value, and the facts about it."""

    value: Datum | BlobContent
    metadata: Metadata


def text(value: str) -> Datum:
    return Datum(value, "string")


def as_json(value: Any) -> Datum:
    return Datum(json.dumps(value), "json")


def decode(bound: BoundType, value: Datum | BlobContent, metadata: Metadata) -> Any:
    """The argument for a parameter of type `bound`."""
    converter = converter_of(bound.binding_type)
    if converter is None:
        return _decode_generic(bound, value)
    if isinstance(value, BlobContent):
        described = converter.decode(Datum(b"", "bytes"), trigger_metadata=metadata)
        return LazyInputStream(value.load, described)
    return converter.decode(value, trigger_metadata=metadata)


def encode(bound: BoundType, value: Any) -> Datum | None:
    """The wire value of what a handler returned; TypeError, in the real worker's words, when there is none."""
    try:
        datum: Datum | None = converter_of(bound.binding_type).encode(value, expected_type=bound.annotation)
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{bound.binding_type}" '
            f'for Python type "{type(value).__name__}"'
        ) from None
    return datum


def _decode_generic(bound: BoundType, value: Datum | BlobContent) -> Any:
    if isinstance(value, BlobContent):
        content = value.load()
        return content.decode("utf-8") if bound.annotation is str else content
    return value.value
