"""One module for each generation of the service's API. An API version is chosen here and nowhere else."""

from __future__ import annotations

from shared.errors import SettingsError
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.apis.base import LanguageApi
from shared.language.apis.text_authoring_2021 import TextAuthoring2021

# The first is the default.
_ALL: tuple[LanguageApi, ...] = (AnalyzeText("2023-04-01"), AnalyzeText("2022-05-01"), TextAuthoring2021())
_BY_VERSION: dict[str, LanguageApi] = {api.api_version: api for api in _ALL}

API_VERSIONS = tuple(_BY_VERSION)
DEFAULT_API_VERSION = API_VERSIONS[0]


def api_for(version: str) -> LanguageApi:
    """The API of one of API_VERSIONS. Raises SettingsError, which lists them, for any other version."""
    try:
        return _BY_VERSION[version]
    except KeyError:
        known = ", ".join(API_VERSIONS)
        raise SettingsError(f"LANGUAGE_API is {version!r}; known API versions are {known}") from None
