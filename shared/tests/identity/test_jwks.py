"""The key cache: few fetches, no outage of its own (security.md R2, R7, R8)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from chatire_shared.contracts.errors import Unauthenticated, Unavailable
from chatire_shared.identity.jwks import JwksCache, parse_jwks
from chatire_shared.testing.tokens import TokenMint


class Auth:
    """Stands where auth's JWKS endpoint does, on plain calls: counts fetches and can be away."""

    def __init__(self, *mints: TokenMint) -> None:
        self.mints = list(mints)
        self.away = False
        self.fetches = 0
        self.now = 1000.0

    def fetch(self, url: str) -> Any:
        """The document, or the error of a host that is away."""
        self.fetches += 1
        if self.away:
            raise requests.ConnectionError(url)
        return {"keys": [key for mint in self.mints for key in mint.jwks()["keys"]]}

    def cache(self) -> JwksCache:
        """A cache that reads from here on our clock."""
        return JwksCache("http://auth/jwks.json", fetch=self.fetch, clock=lambda: self.now)


def test_a_key_is_fetched_once_and_kept() -> None:
    """Hits cost no call."""
    auth = Auth(TokenMint("a"))
    cache = auth.cache()
    for _ in range(100):
        cache.get("a")
    assert auth.fetches == 1


def test_ten_thousand_unknown_kids_cause_one_fetch_in_thirty_seconds() -> None:
    """A forger can't make us knock at auth's door."""
    auth = Auth(TokenMint("a"))
    cache = auth.cache()
    cache.get("a")
    auth.now += 31
    for number in range(10_000):
        with pytest.raises(Unauthenticated):
            cache.get(f"forged-{number}")
    assert auth.fetches == 2


def test_a_new_key_is_found_when_a_token_names_it() -> None:
    """Rotation needs no restart."""
    auth = Auth(TokenMint("a"))
    cache = auth.cache()
    cache.get("a")
    auth.mints.append(TokenMint("b"))
    auth.now += 31
    cache.get("b")


def test_known_keys_serve_while_auth_is_away_but_not_for_ever() -> None:
    """Stale up to a day; after it nobody is let in on old keys."""
    auth = Auth(TokenMint("a"))
    cache = auth.cache()
    cache.get("a")
    auth.away = True
    auth.now += 86_000
    cache.get("a")
    auth.now += 1_000
    with pytest.raises(Unavailable):
        cache.get("a")


def test_without_any_keys_the_answer_is_unavailable() -> None:
    """Fail closed, and say that it's us."""
    auth = Auth(TokenMint("a"))
    auth.away = True
    cache = auth.cache()
    with pytest.raises(Unavailable):
        cache.get("a")
    auth.away = False
    auth.now += 2
    cache.get("a")


def test_a_retired_key_is_refused_after_the_next_refresh() -> None:
    """The set is replaced, not added to."""
    auth = Auth(TokenMint("old"), TokenMint("new"))
    cache = auth.cache()
    cache.get("old")
    auth.mints.pop(0)
    auth.now += 301
    with pytest.raises(Unauthenticated):
        cache.get("old")


def test_only_es256_keys_are_taken_from_a_set() -> None:
    """A symmetric key published by mistake must never verify anything."""
    document = TokenMint("a").jwks()
    document["keys"].append({"kty": "oct", "kid": "mac", "k": "AAAA"})
    assert set(parse_jwks(document)) == {"a"}
    for wrong in (None, [], {"keys": 5}, "x"):
        with pytest.raises(ValueError, match="JWK"):
            parse_jwks(wrong)


def test_keys_come_from_another_instance_when_one_is_away() -> None:
    """Several of auth run; one that is being restarted costs nobody anything."""
    auth, asked = Auth(TokenMint("a")), []

    def fetch(url: str) -> Any:
        asked.append(url)
        if url.startswith("http://away"):
            raise requests.ConnectionError
        return auth.fetch(url)

    cache = JwksCache("http://away/jwks.json http://here/jwks.json", fetch=fetch, clock=lambda: auth.now)
    for _ in range(2):  # Whoever's turn it is at first.
        assert cache.get("a")
        cache.forget_age()
    assert {"http://away/jwks.json", "http://here/jwks.json"} == set(asked)


def test_the_keys_of_auth_are_where_its_base_urls_say() -> None:
    """The setting holds base URLs, with or without a slash at their end."""
    cache = JwksCache.of_auth("http://one:1/, http://two:2")
    assert sorted(cache._urls.in_turn()) == [
        f"http://{host}/api/auth/.well-known/jwks.json" for host in ("one:1", "two:2")
    ]


def test_a_key_is_at_hand_while_it_is_known_and_fresh() -> None:
    """Then nobody waits for a look at auth."""
    auth = Auth(TokenMint("a"))
    cache = auth.cache()
    assert not cache.is_at_hand("a")
    cache.get("a")
    assert cache.is_at_hand("a")
    assert not cache.is_at_hand("b")
    auth.now += 301
    assert not cache.is_at_hand("a")
