"""What the page asks of the platform."""

from __future__ import annotations

from shared.reports.bodies import Body


class SignedInBody(Body):
    """GET /api/ui/signed-in: whom App Service authentication has signed in; null where it is off."""

    name: str | None
