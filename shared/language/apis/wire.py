"""The building blocks of wire models, which describe the answers of the service as they come over the wire. Pure.

A member that decides something is checked strictly. A member that only informs (a time, a percentage, an error's text)
is read as far as it can be, and never makes an answer unreadable.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.errors import MalformedAnswerError
from shared.language.apis.base import Json, WireResponse
from shared.language.values import LroStatus, Page, ProjectKind, ServiceError
from shared.redaction import MAX_CODE, MAX_WORDS, clean

T = TypeVar("T")
_MAX_PLACE = 200
_SURROGATE = re.compile("[\ud800-\udfff]")


class WireModel(BaseModel):
    """A JSON object of an answer. Names are camelCase on the wire, null is the same as absent, the rest is ignored."""

    model_config = ConfigDict(
        defer_build=True,
        strict=True,
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Json) -> Json:
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


class Answer(WireModel, ABC, Generic[T]):
    """A wire model that can be turned into a value."""

    @abstractmethod
    def to_value(self) -> T: ...


def reader(answer: type[Answer[T]]) -> Callable[[WireResponse], T]:
    """The reader of an answer whose body is described by a wire model."""
    return lambda response: parse(answer, response.body).to_value()


M = TypeVar("M", bound=WireModel)


def parse(model: type[M], body: Json) -> M:
    """Raises MalformedAnswerError, which says where the body differs from the model and how, never what it holds."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        where = where_and_how(error)
    raise MalformedAnswerError(f"the answer does not have the documented shape: {where}")


def where_and_how(error: ValidationError) -> str:
    """The place and kind of the first of its errors, and how many more there are; never a value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))[:_MAX_PLACE] or "the whole body"
    others = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{place} ({first['type']}{others})"


# What only informs: PlainValidator converts whatever is there.


def _as_text(value: Json) -> str:
    return str(value or "")


def _optional_text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


AsText = Annotated[str, PlainValidator(_as_text)]
AsBool = Annotated[bool, PlainValidator(bool)]
OptionalText = Annotated[str | None, PlainValidator(_optional_text)]


# Both spellings of cancelled, the preview's "completed", and words of sibling APIs; case and "_" do not matter.
_STATUS_WORDS = {
    "notstarted": LroStatus.NOT_STARTED,
    "inprogress": LroStatus.RUNNING,
    "running": LroStatus.RUNNING,
    "cancelling": LroStatus.RUNNING,
    "succeeded": LroStatus.SUCCEEDED,
    "completed": LroStatus.SUCCEEDED,
    "partiallycompleted": LroStatus.PARTIALLY_COMPLETED,
    "partiallysucceeded": LroStatus.PARTIALLY_COMPLETED,
    "failed": LroStatus.FAILED,
    "rejected": LroStatus.FAILED,
    "cancelled": LroStatus.CANCELLED,
    "canceled": LroStatus.CANCELLED,
}


def parse_status(word: Json) -> LroStatus:
    """A status word of any version. A new word is UNKNOWN."""
    known = word.lower().replace("_", "") if isinstance(word, str) else ""
    return _STATUS_WORDS.get(known, LroStatus.UNKNOWN)


def _required_status(word: Json) -> LroStatus:
    if not isinstance(word, str):
        raise PydanticCustomError("string_type", "a status is a string")
    return parse_status(word)


OptionalStatus = Annotated[LroStatus, PlainValidator(parse_status)]
Status = Annotated[LroStatus, PlainValidator(_required_status)]

_DATETIME: TypeAdapter[datetime] = TypeAdapter(datetime, config=ConfigDict(defer_build=True))


def parse_time(value: Json) -> datetime | None:
    """An ISO 8601 time with 3 to 7 fractional digits, or None if absent or unreadable. Without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = _DATETIME.validate_python(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValidationError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parse_date(value: Json) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _parse_percent(value: Json) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= 100 else None


Time = Annotated[datetime | None, PlainValidator(parse_time)]
Date = Annotated[date | None, PlainValidator(_parse_date)]
Percent = Annotated[int | None, PlainValidator(_parse_percent)]


class _Error(WireModel):
    code: Any = None
    message: Any = None
    target: Any = None
    inner: Any = Field(None, validation_alias="innererror")


Fit = Callable[[str, int], str]
"""Makes words of the service's fit to be kept, in so many characters."""


def _clean(words: str, limit: int) -> str:
    return clean(words, limit=limit)


def parse_error(error: Json, fit: Fit = _clean) -> ServiceError:
    """An error object: the innermost code and message, because the outer ones only say InvalidRequest.

    Its words may be anything, so they are cleaned and cut.
    """
    if not isinstance(error, dict):
        return ServiceError("unknown", "the service gave no error body")
    found = _Error.model_validate(error)
    target = found.target
    while isinstance(found.inner, dict):
        found = _Error.model_validate(found.inner)
        target = target or found.target
    return ServiceError(
        code=fit(str(found.code or ""), MAX_CODE) or "unknown",
        message=fit(str(found.message or ""), MAX_WORDS) or "no message",
        target=fit(target, MAX_WORDS) if isinstance(target, str) else None,
    )


def parse_errors(errors: Json) -> tuple[ServiceError, ...]:
    return tuple(parse_error(error) for error in errors) if isinstance(errors, list) else ()


def _checked_error(error: Json) -> ServiceError:
    """As `parse_error`; a lone surrogate, which no text can hold, shows that the answer was spoilt on its way."""
    found = error
    while isinstance(found, dict):
        for member in ("code", "message", "target"):
            check_characters(found.get(member))
        found = found.get("innererror")
    return parse_error(error)


def _checked_errors(errors: Json) -> tuple[ServiceError, ...]:
    return tuple(_checked_error(error) for error in errors) if isinstance(errors, list) else ()


def check_characters(text: Json) -> None:
    """Raises PydanticCustomError for a lone surrogate, which cannot be written to any record."""
    if isinstance(text, str) and _SURROGATE.search(text):
        raise PydanticCustomError("lone_surrogate", "the text holds a lone surrogate")


Error = Annotated[ServiceError, PlainValidator(parse_error)]
Errors = Annotated[tuple[ServiceError, ...], PlainValidator(parse_errors)]
CheckedError = Annotated[ServiceError, PlainValidator(_checked_error)]
CheckedErrors = Annotated[tuple[ServiceError, ...], PlainValidator(_checked_errors)]
NO_ERROR_BODY = parse_error(None)


def parse_refusal(body: Json, fit: Fit) -> ServiceError:
    """The error in the body of an answer outside 2xx, whatever that body is."""
    return parse_error(body.get("error") if isinstance(body, dict) else None, fit)


# What decides something.


def _reject_bool(value: Json) -> Json:
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "true and false are not numbers")
    return value


# Strings of digits are accepted: some of the service's SDKs write numbers so.
Number = Annotated[float, Field(strict=False, allow_inf_nan=False), BeforeValidator(_reject_bool)]


def _parse_next_page(link: Json) -> Page | None:
    if not isinstance(link, str) or not link:
        return None
    query = {"top": "20"} | {key.lstrip("$"): values[0] for key, values in parse_qs(urlsplit(link).query).items()}
    try:
        return Page(skip=int(query["skip"]), top=int(query["top"]))
    except (KeyError, ValueError):
        raise PydanticCustomError("next_link", "the next link has no readable skip and top") from None


NextPage = Annotated[Page | None, PlainValidator(_parse_next_page)]
"""The page a next link leads to. Only its skip and top are used; host and path are ignored."""


def kind_validator(words: Mapping[ProjectKind, str]) -> PlainValidator:
    """Validates a project kind by a version's words for it, in any letter case."""
    kinds = {word.lower(): kind for kind, word in words.items()}

    def parse_kind(word: Json) -> ProjectKind:
        if not isinstance(word, str) or word.lower() not in kinds:
            raise PydanticCustomError("not_text_classification", "the project is not a text classification")
        return kinds[word.lower()]

    return PlainValidator(parse_kind)


# For members whose presence is no promise.


def _object_or_none(value: Json) -> Json:
    return value if isinstance(value, dict) else None


def _none_if_empty(value: Json) -> Json:
    return value or None


IfObject = BeforeValidator(_object_or_none)
NoneIfEmpty = BeforeValidator(_none_if_empty)
