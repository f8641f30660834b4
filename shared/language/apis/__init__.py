"""One module for each generation of the service's API. An API version is chosen here and nowhere else."""

from __future__ import annotations

from functools import cache

from shared.errors import SettingsError
from shared.language.apis.base import LanguageApi

_PREVIEW = "2021-preview"
# The first is the default.
API_VERSIONS = ("2023-04-01", "2022-05-01", _PREVIEW)
DEFAULT_API_VERSION = API_VERSIONS[0]


def analyze_requests_per_minute(version: str) -> int:
    """The service's documented limit for one resource; asked at every start, and so before an API is imported."""
    return 20 if version == _PREVIEW else 1000


@cache
def api_for(version: str) -> LanguageApi:
    """The API of one of API_VERSIONS. Raises SettingsError, which lists them, for any other version."""
    if version not in API_VERSIONS:
        known = ", ".join(API_VERSIONS)
        raise SettingsError(f"LANGUAGE_API is {version!r}; known API versions are {known}")
    # Imported when asked for: a process speaks one generation, and a cold start need not pay for the other.
    if version == _PREVIEW:
        from shared.language.apis.text_authoring_2021 import TextAuthoring2021

        return TextAuthoring2021()
    from shared.language.apis.analyze_text import AnalyzeText

    return AnalyzeText(version)
