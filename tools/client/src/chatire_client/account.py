"""One signed-in session: the pair of tokens, refreshed before it is too late, by one caller at a time."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

from chatire_client.errors import ClientError
from chatire_client.http import Http, Json, Problem

EARLY_SECONDS = 30.0
_UNAUTHENTICATED = 401


class SignedOut(ClientError):
    """The session is over: signing in again is the only way on."""


class Account:
    """A user of one origin."""

    def __init__(self, http: Http, user: Json, access: str, refresh: str) -> None:
        """Begin with what `register/` or `token/` answered."""
        self.http = http
        self.user = user
        self.access = access
        self.refresh_token = refresh
        self._one_refresh = threading.Lock()

    @classmethod
    def register(cls, http: Http, username: str, password: str, **more: str) -> Account:
        """Make a new user and sign in."""
        fields = {"username": username, "email": f"{username}@example.org", "password": password} | more
        return cls._signed_in(http, http.call("POST", "/api/auth/register/", body=fields))

    @classmethod
    def sign_in(cls, http: Http, username: str, password: str) -> Account:
        """Sign in: a new session."""
        return cls._signed_in(
            http, http.call("POST", "/api/auth/token/", body={"username": username, "password": password})
        )

    @classmethod
    def _signed_in(cls, http: Http, answer: Json) -> Account:
        return cls(http, answer["user"], answer["access"], answer["refresh"])

    @property
    def id(self) -> str:
        """The user's id."""
        return str(self.user["id"])

    @property
    def username(self) -> str:
        """The user's name."""
        return str(self.user["username"])

    @property
    def claims(self) -> dict[str, Any]:
        """What the access token says; read, not verified: that is the servers' business."""
        payload = self.access.split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))

    def seconds_left(self) -> float:
        """Until the access token ends."""
        return float(self.claims["exp"]) - time.time()

    def fresh_access(self) -> str:
        """An access token with some time left (blocking when it must be refreshed).

        Raises: SignedOut.
        """
        if self.seconds_left() < EARLY_SECONDS:
            self.refresh(spent=self.access)
        return self.access

    def refresh(self, *, spent: str) -> None:
        """Get the next pair, unless another thread has replaced the `spent` access token meanwhile.

        Raises: SignedOut.
        """
        with self._one_refresh:
            if self.access != spent:
                return
            try:
                answer = self.http.call("POST", "/api/auth/token/refresh/", body={"refresh": self.refresh_token})
            except Problem as problem:
                if problem.status == _UNAUTHENTICATED:
                    raise SignedOut(problem.code) from problem
                raise
            self.access, self.refresh_token = answer["access"], answer["refresh"]

    def call(self, method: str, path: str, body: object = None, **params: str) -> Json:
        """One authorised call.

        Raises: Problem; SignedOut.
        """
        return self.http.call(method, path, token=self.fresh_access(), body=body, params=params or None)

    def log_out(self) -> None:
        """End this session everywhere."""
        self.http.call("POST", "/api/auth/logout/", token=self.access, body={"refresh": self.refresh_token})
