"""A test issuer of bearer tokens, standing in for Microsoft Entra ID.

Tokens are signed with a key that lives as long as the emulator. The roles are those of the service: a Language Reader
may read and classify, a Writer may also train and import, an Owner may also deploy and delete.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt

from language_emulator import errors
from language_emulator.clock import Clock

AUDIENCE = "https://cognitiveservices.azure.com"
ISSUER = "https://sts.emulator.invalid/"
ALGORITHM = "HS256"


class Role(StrEnum):
    """From least to most."""

    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"

    def allows(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


class TokenIssuer:
    """Mints and checks tokens by the emulator's own clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def mint(self, role: Role, *, audience: str, life: timedelta) -> tuple[str, datetime]:
        """A token and the moment it expires."""
        now = self._clock.now()
        expires = now + life
        claims = {"iss": ISSUER, "aud": audience, "iat": now, "nbf": now, "exp": expires, "roles": [role.value]}
        return jwt.encode(claims, self._secret, ALGORITHM), expires

    def role_of(self, token: str) -> Role:
        """Raise `token_refused` for a token that is forged, expired or for another audience."""
        # The times are compared with the emulator's clock below, not with the machine's.
        options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims = jwt.decode(
                token,
                self._secret,
                [ALGORITHM],
                audience=[AUDIENCE, AUDIENCE + "/"],
                issuer=ISSUER,
                options=options,  # type: ignore[arg-type]
            )
        except jwt.InvalidAudienceError as error:
            raise errors.token_refused(f"the token's audience is not {AUDIENCE}.") from error
        except jwt.InvalidTokenError as error:
            raise errors.token_refused("the token is not valid.") from error
        if datetime.fromtimestamp(claims["exp"], UTC) <= self._clock.now():
            raise errors.token_refused("the token has expired.")
        return Role(claims["roles"][0])
