"""Keeping a connection's access token good: before connecting, after a refusal, and while it is open."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import requests

from chatire_client.account import EARLY_SECONDS, Account, SignedOut
from chatire_client.http import Problem

RENEW_BELOW_SECONDS = 90.0


class Renewal:
    """The token of one connection after the other."""

    def __init__(self, account: Account) -> None:
        """Renew the tokens of `account`, which other connections may share."""
        self._account = account
        self._refused = ""
        self._under_way = False

    def refused(self) -> None:
        """The server closed with 4401: the token of now is no good any more."""
        self._refused = self._account.access

    async def access(self) -> str:
        """A token to connect with.

        Raises: SignedOut; Problem, requests.RequestException when auth is away.
        """
        self._under_way = False
        if self._account.access == self._refused:
            await asyncio.to_thread(self._account.refresh, spent=self._refused)
        if self._account.seconds_left() < EARLY_SECONDS:
            await asyncio.to_thread(self._account.fresh_access)
        return self._account.access

    def is_due(self, expires_at: str) -> bool:
        """Whether a `session` frame is the reminder that a fresh token is due, not the answer to the last one."""
        if self._under_way:
            self._under_way = False
            return False
        left = datetime.fromisoformat(expires_at) - datetime.now(UTC)
        return left.total_seconds() < RENEW_BELOW_SECONDS

    async def renewed(self) -> str | None:
        """A fresh token for the open connection; None when there is none: then the server closes it, with the right code."""
        self._under_way = True
        try:
            await asyncio.to_thread(self._account.refresh, spent=self._account.access)
        except (SignedOut, Problem, requests.RequestException):
            self._under_way = False
            return None
        return self._account.access
