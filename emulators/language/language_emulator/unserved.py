"""Addresses no operation answers: an unknown API version, something the emulator lacks, or nothing at all."""

from __future__ import annotations

import re

from language_emulator import errors
from language_emulator.errors import ServiceError
from language_emulator.preview_2021 import ANALYZE_VERSION, AUTHORING_VERSION

_VERSIONED = (
    (re.compile(r"/language/text/authoring/(?P<version>[^/]+)(/|$)"), AUTHORING_VERSION),
    (re.compile(r"/text/analytics/(?P<version>[^/]+)/analyze(/|$)"), ANALYZE_VERSION),
)
# The service's other features, which share its host.
_OTHER_FEATURES = re.compile(r"/text/analytics/|/language/|/documentintelligence/")


def explain_unserved(path: str, status: int) -> ServiceError:
    if status == 405:
        return errors.method_not_allowed()
    for pattern, supported in _VERSIONED:
        match = pattern.match(path)
        if match and match["version"] != supported:
            return errors.version_unknown(match["version"], [supported], status=404)
        if match:
            return errors.resource_not_found()
    if _OTHER_FEATURES.match(path):
        return errors.not_implemented(f"the operation at {path}")
    return errors.resource_not_found()
