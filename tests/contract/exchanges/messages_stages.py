"""Two people in a group of messages: in the fake's memory, or made through the public API of the real service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.alone import Alone
from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.fake_messages import FakeMessages
from chatire_shared.testing.tokens import TokenMint

NAMES = ("ada", "grace", "linus")


@dataclass(frozen=True)
class Someone:
    """Somebody with a token."""

    id: str
    username: str
    token: str


class MessagesStage:
    """Ada has begun a group with grace; linus is a stranger to it."""

    url: str
    keys: dict[str, TokenMint]
    group: str
    epoch: str

    def __init__(self, auth: FakeAuth) -> None:
        self.auth = auth
        people = {name: auth.register(name) for name in NAMES}
        self.ada, self.grace, self.linus = (
            Someone(people[name], name, auth.token(people[name], name)) for name in NAMES
        )

    def expired_token(self) -> str:
        now = int(time.time())
        return self.auth.token(self.ada.id, iat=now - 700, exp=now - 100)

    def say(self, who: str, body: str, client_id: str) -> None:
        raise NotImplementedError

    def remove(self, who: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End what belongs to this stage alone."""


class FakeStage(MessagesStage):
    """In the fake."""

    def __init__(self, keys: Mapping[str, TokenMint], jwks: Mapping[str, Any]) -> None:
        super().__init__(FakeAuth(jwks))
        self.keys = dict(keys)
        self._fake = FakeMessages(Verifier(self.auth.mint, issuer="chatire", audience="chatire"), jwks)
        self.url, self.group = self._fake.url, self._fake.begin(self.ada.id, self.grace.id)
        self.epoch = self._fake.logs[self.group].epoch

    def say(self, who: str, body: str, client_id: str) -> None:
        person = getattr(self, who)
        sender = {"id": person.id, "username": who, "display_name": who.title()}
        self._fake.post(self._fake.logs[self.group], sender, {"body": body, "client_id": client_id})

    def remove(self, who: str) -> None:
        self._fake.remove(self.group, getattr(self, who).id)

    def close(self) -> None:
        self._fake.close()
        self.auth.close()


class RealStage(MessagesStage):
    """In the real service, by its public API."""

    def __init__(self, alone: Alone, url: str) -> None:
        assert alone.auth is not None
        super().__init__(alone.auth)
        self.keys, self.url = alone.keys, url
        made = self.ask("ada", "POST", "/api/conversations/", {"kind": "group", "member_ids": [self.grace.id]})
        self.group, self.epoch = made["id"], made["epoch"]

    def say(self, who: str, body: str, client_id: str) -> None:
        self.ask(who, "POST", f"/api/conversations/{self.group}/messages/", {"body": body, "client_id": client_id})

    def remove(self, who: str) -> None:
        self.ask("ada", "DELETE", f"/api/conversations/{self.group}/members/{getattr(self, who).id}/")

    def read(self, who: str, seq: int) -> None:
        self.ask(who, "POST", f"/api/conversations/{self.group}/read/", {"seq": seq})

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {getattr(self, who).token}"}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=20)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None
