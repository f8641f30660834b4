"""Version-neutral values: what callers give the Language service and get back, whatever the API version."""

from __future__ import annotations

from shared.language.models import *  # noqa: F403
