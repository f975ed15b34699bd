"""Two accounts of auth: in the fake's memory, or made through the public API of the real service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import requests
from houses import House

from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.tokens import TokenMint


class AuthStage:
    """Ada and grace have registered: changes `start` + 1 and `start` + 2."""

    url: str
    keys: dict[str, TokenMint]
    start: int
    ada: str
    grace: str
    names: dict[str, str]

    def sign_out_ada(self) -> None:
        raise NotImplementedError

    def disable_grace(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End what belongs to this stage alone."""


class FakeStage(AuthStage):
    """In the fake."""

    def __init__(self, keys: Mapping[str, TokenMint], jwks: Mapping[str, Any]) -> None:
        self.keys, self.start = dict(keys), 0
        self._fake = FakeAuth(jwks)
        self.url = self._fake.url
        self.ada, self.grace = (self._fake.register(name) for name in ("ada", "grace"))
        self.names = {self.ada: "ada", self.grace: "grace"}

    def sign_out_ada(self) -> None:
        self._fake.revoke(uuid4(), self.ada)

    def disable_grace(self) -> None:
        self._fake.disable(self.grace)
        self._fake.revoke(uuid4(), self.grace)

    def close(self) -> None:
        self._fake.close()


class RealStage(AuthStage):
    """In the real service, by its public API and its commands."""

    def __init__(self, house: House, start: int) -> None:
        self.keys, self.url, self.start, self._house = house.alone.keys, house.url, start, house
        # One database for all stages: names of their own.
        stamp = uuid4().hex[:8]
        people = {name: self._register(f"{name}-{stamp}", name.title()) for name in ("ada", "grace")}
        self.ada, self.grace = (people[name]["user"]["id"] for name in ("ada", "grace"))
        self.names = {person["user"]["id"]: person["user"]["username"] for person in people.values()}
        self._ada_s_token = people["ada"]["access"]

    def sign_out_ada(self) -> None:
        headers = {"Authorization": f"Bearer {self._ada_s_token}"}
        assert requests.post(f"{self.url}/api/auth/logout/", json={}, headers=headers, timeout=20).ok

    def disable_grace(self) -> None:
        self._house.manage("disable_user", self.names[self.grace])

    def _register(self, username: str, display_name: str) -> Any:
        body = {"username": username, "email": f"{username}@example.org", "display_name": display_name}
        body["password"] = "correct horse battery staple"
        answer = requests.post(f"{self.url}/api/auth/register/", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()
