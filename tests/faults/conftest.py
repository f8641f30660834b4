"""Every test of the protocol runs under each API version."""

from __future__ import annotations

import pytest

from tests.faults import world


@pytest.fixture(autouse=True, params=list(world.SERVICES))
def api_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(world, "current_api_version", request.param)
    return str(request.param)
