"""Auth and messages as the gateway's neighbours: the fakes, so that a test says what is true to one of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.fake_messages import FakeMessages
from chatire_shared.testing.tokens import TokenMint, public_jwk


class Backstage(FakeMessages):
    """What is true, and a relay that can be told to lose things; `auth` says who is who."""

    def __init__(self, redis_url: str, gateway_key: TokenMint) -> None:
        keys = {"keys": [public_jwk(gateway_key.private_key.public_key(), "gateway")]}
        self.auth = FakeAuth(keys)
        self.mint = self.auth.mint
        super().__init__(Verifier(self.mint, issuer="chatire", audience="chatire"), keys, redis_url)

    def token(self, user: UUID, **claims: Any) -> str:
        return self.mint.access(user, **claims)

    def revoke(self, session: str, user: UUID) -> None:
        self.auth.revoke(session, user)

    def epoch_of(self, conversation: str) -> str:
        return self.logs[conversation].epoch

    def close(self) -> None:
        super().close()
        self.auth.close()
