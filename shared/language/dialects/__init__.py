"""One module for each API version, all answering the questions of `base.Dialect`. Chosen here and nowhere else."""

from __future__ import annotations

from shared.errors import SettingsError
from shared.language.dialects.base import Dialect
from shared.language.dialects.ga_2023 import GeneralAvailability
from shared.language.dialects.preview_2021 import Preview2021

_ALL: tuple[Dialect, ...] = (Preview2021(), GeneralAvailability("2023-04-01"), GeneralAvailability("2022-05-01"))
_DIALECTS: dict[str, Dialect] = {dialect.api_version: dialect for dialect in _ALL}

API_VERSIONS = tuple(_DIALECTS)


def dialect_for(api_version: str) -> Dialect:
    """The dialect of one of API_VERSIONS; raises SettingsError naming them for anything else."""
    try:
        return _DIALECTS[api_version]
    except KeyError:
        known = ", ".join(API_VERSIONS)
        raise SettingsError(f"LANGUAGE_API is {api_version!r}; known API versions are {known}") from None
