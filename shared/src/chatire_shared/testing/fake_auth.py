"""As much of auth as the other services call: keys, accounts by id, the change feed (docs/internal.md, "auth").

By hand: `python -m chatire_shared.testing.alone` starts it, and a service beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from chatire_shared.contracts.errors import Invalid, NotFound
from chatire_shared.contracts.ids import is_canonical_uuid
from chatire_shared.contracts.times import rfc3339
from chatire_shared.testing.fake_service import JSON, Call, FakeService
from chatire_shared.testing.tokens import TokenMint

PAGE = 500
JWKS_PATH = "/api/auth/.well-known/jwks.json"


class FakeAuth(FakeService):
    """Knows whom it is told of.

    Attributes:
        mint: Signs access tokens with the key that is published here.
        accounts: What `GET /internal/users/` knows, by id.
        changes: The change feed; ids count from 1.
    """

    def __init__(self, service_keys: Mapping[str, Any], port: int = 0) -> None:
        self.mint = TokenMint()
        self.accounts: dict[str, JSON] = {}
        self.changes: list[JSON] = []
        self.lock = threading.RLock()
        super().__init__("auth", service_keys, port)

    def reset(self) -> None:
        """Forget what it was told; the key stays."""
        with self.lock:
            self.accounts.clear()
            self.changes.clear()
            self.asked.clear()
            self.away = False

    def token(self, user: UUID | str, username: str = "ada", **claims: Any) -> str:
        """An access token of `user`, whether there is such an account or not."""
        return self.mint.access(UUID(str(user)), username, **claims)

    def register(self, username: str, display_name: str | None = None) -> str:
        """Somebody new; their id."""
        user, shown = str(uuid4()), display_name or username.title()
        with self.lock:
            data = {"user_id": user, "username": username, "display_name": shown, "active": True, "role": "member"}
            number = self.change("user.created", **data)
            account = {"id": user, "username": username, "display_name": shown, "active": True, "change_id": number}
            self.accounts[user] = account
        return user

    def disable(self, user: str) -> None:
        """Close an account."""
        with self.lock:
            account = self.accounts[user]
            data = {name: account[name] for name in ("username", "display_name")}
            number = self.change("user.disabled", user_id=user, **data, active=False, role="member")
            account |= {"active": False, "change_id": number}

    def revoke(self, session: UUID | str, user: UUID | str) -> None:
        """End a session."""
        self.change("session.revoked", user_id=str(user), session_id=str(session))

    def change(self, kind: str, **data: Any) -> int:
        """Append to the change feed; returns the change's id."""
        with self.lock:
            number = len(self.changes) + 1
            self.changes.append({"id": number, "kind": kind, "at": rfc3339(datetime.now(UTC)), "data": data})
        return number

    def is_public(self, path: str) -> bool:
        """Whether a path needs no service token: the keys' alone."""
        return path == JWKS_PATH

    def route(self, call: Call) -> JSON:
        """The answer to a call."""
        if call.method == "GET" and call.path == JWKS_PATH:
            return self.mint.jwks()
        if call.method == "GET" and call.path == "/internal/changes/" and call.caller in {"messages", "gateway"}:
            return self._page(call.query)
        if call.method == "GET" and call.path == "/internal/users/" and call.caller == "messages":
            return self._users(call.query)
        raise NotFound

    def _page(self, query: Mapping[str, str]) -> JSON:
        after = _whole("after", query.get("after", "0"), 0, 2**63 - 1)
        limit = _whole("limit", query.get("limit", str(PAGE)), 1, PAGE)
        changes = [change for change in self.changes if change["id"] > after]
        return {"v": 1, "changes": changes[:limit], "latest": len(self.changes)}

    def _users(self, query: Mapping[str, str]) -> JSON:
        ids = [part for part in query.get("ids", "").split(",") if part]
        if len(ids) > PAGE or not all(map(is_canonical_uuid, ids)):
            raise Invalid.field("ids", "invalid", f"Send at most {PAGE} UUIDs in canonical form.")
        found = [self.accounts[user] for user in sorted(set(ids)) if user in self.accounts]
        return {"v": 1, "users": found, "latest": len(self.changes)}


def _whole(field: str, raw: str, least: int, most: int) -> int:
    if not (raw.isascii() and raw.isdigit()) or not least <= int(raw[:20]) <= most:
        raise Invalid.field(field, "out_of_range", f"Send a whole number from {least} to {most}.")
    return int(raw)
