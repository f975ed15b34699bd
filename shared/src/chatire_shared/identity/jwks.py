"""The public keys of access tokens: fetched from auth, kept while auth is away (security.md R2, R7, R8)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from chatire_shared.clients.bases import Bases, base_urls
from chatire_shared.contracts.errors import ChatireError, Unauthenticated, Unavailable

logger = logging.getLogger("chatire.identity")

REFRESH_SECONDS = 300
UNKNOWN_KID_SECONDS = 30
STALE_SECONDS = 86_400
TIMEOUT_SECONDS = 2
PATH = "/api/auth/.well-known/jwks.json"

_Failures = (requests.RequestException, ValueError, KeyError, ChatireError)
Keys = dict[str, EllipticCurvePublicKey]


def parse_jwks(document: Any) -> Keys:
    """The ES256 keys of a JWK set by `kid`; anything else in it is left out.

    Raises:
        ValueError: it isn't a JWK set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = "not a JWK set"
        raise ValueError(message)  # noqa: TRY004 (the document is wrong, not the call)
    return {entry["kid"]: _public_key(entry) for entry in entries if _is_es256(entry)}


def _is_es256(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("kty") == "EC" and entry.get("crv") == "P-256" and "kid" in entry


def _public_key(entry: dict[str, Any]) -> EllipticCurvePublicKey:
    public = {name: entry[name] for name in ("kty", "crv", "x", "y")}
    key = jwt.get_algorithm_by_name("ES256").from_jwk(json.dumps(public))
    assert isinstance(key, EllipticCurvePublicKey)  # noqa: S101 (a JWK without `d` is public)
    return key


class JwksCache:
    """Keys by `kid`, refreshed every 5 minutes and, at most every 30 s, for a `kid` not seen before.

    Safe to call from many threads: one of them fetches, the others use what is there.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember where keys come from; nothing is fetched yet.

        Args:
            url: The JWKS address of auth; several, separated by spaces, if several instances of it run.
            fetch: Gets the document of a URL; HTTP with a 2 s timeout when left out.
            clock: Monotonic seconds.
        """
        self._urls = Bases(url)
        self._fetch = fetch or _http_fetch
        self._clock = clock
        self._keys: Keys = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def of_auth(cls, auth_urls: str) -> JwksCache:
        """The keys that auth publishes, given its base URLs as in `CHATIRE_AUTH_URL`."""
        return cls(" ".join(base + PATH for base in base_urls(auth_urls)))

    def get(self, kid: str) -> EllipticCurvePublicKey:
        """The key named `kid`.

        Raises:
            Unauthenticated: auth publishes no such key.
            Unavailable: no key was ever fetched, or the last are over a day old, and auth is away.
        """
        key = self._keys.get(kid)
        if key is None or self._age() > REFRESH_SECONDS:
            self._refresh(wait=key is None)
            key = self._keys.get(kid)
        if self._age() > STALE_SECONDS:
            raise Unavailable(retry_after_seconds=TIMEOUT_SECONDS)
        if key is None:
            raise Unauthenticated
        return key

    def is_at_hand(self, kid: str) -> bool:
        """Whether this key is known, and fresh enough to be used without a look at auth."""
        return kid in self._keys and self._age() <= REFRESH_SECONDS

    def ready(self) -> None:
        """Check that keys are at hand.

        Raises:
            Unavailable: there are none.
        """
        if not self._keys:
            self._refresh(wait=True)
        if not self._keys:
            raise Unavailable(retry_after_seconds=TIMEOUT_SECONDS)

    def forget_age(self) -> None:
        """Fetch at the next use: auth said that its keys changed."""
        self._tried_at = None
        if self._fetched_at is not None:
            self._fetched_at = min(self._fetched_at, self._clock() - REFRESH_SECONDS - 1)

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    def _refresh(self, *, wait: bool) -> None:
        if not self._lock.acquire(blocking=wait):
            return
        try:
            pause = UNKNOWN_KID_SECONDS if self._keys else 1
            if self._tried_at is not None and self._clock() - self._tried_at < pause:
                return
            self._tried_at = self._clock()
            self._keys = self._fetched()
            self._fetched_at = self._clock()
        except _Failures as error:
            logger.warning("keys could not be fetched", extra={"error": type(error).__name__})
        finally:
            self._lock.release()

    def _fetched(self) -> Keys:
        """The keys from the first instance that gives them."""
        *others, last = self._urls.in_turn()
        for url in others:
            try:
                return parse_jwks(self._fetch(url))
            except _Failures:
                self._urls.failed(url)
        return parse_jwks(self._fetch(last))


def _http_fetch(url: str) -> Any:
    response = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    response.raise_for_status()
    return response.json()
