"""Service tokens: each kind of token opens its own door only (security.md R5, R6)."""

from __future__ import annotations

import time

import pytest

from chatire_shared.contracts.errors import TokenExpired, Unauthenticated
from chatire_shared.identity.service_tokens import ServiceSigner, ServiceVerifier
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint

auth, messages = TokenMint("auth"), TokenMint("messages")
keys = {mint.kid: mint.private_key.public_key() for mint in (auth, messages)}


def test_a_callee_learns_who_calls() -> None:
    """The name is the key's, not the word of the caller."""
    token = ServiceSigner("messages", messages.private_key).token_for("auth")
    assert ServiceVerifier("auth", keys).verify(token) == "messages"


def test_a_token_for_another_callee_is_refused() -> None:
    """One that messages got from the gateway can't be used at auth."""
    token = ServiceSigner("messages", messages.private_key).token_for("gateway")
    with pytest.raises(Unauthenticated):
        ServiceVerifier("auth", keys).verify(token)


def test_a_service_cannot_speak_in_anothers_name() -> None:
    """Neither with the other's `kid` nor with the other's claims."""
    impostor = ServiceSigner("auth", messages.private_key).token_for("messages")
    with pytest.raises(Unauthenticated):
        ServiceVerifier("messages", keys).verify(impostor)
    claims = {
        "iss": "auth",
        "sub": "auth",
        "aud": "messages",
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
        "jti": "j",
    }
    with pytest.raises(Unauthenticated):
        ServiceVerifier("messages", keys).verify(messages.sign(claims, typ="svc+jwt"))


def test_a_long_lived_token_is_refused() -> None:
    """At most a minute."""
    now = int(time.time())
    claims = {"iss": "auth", "sub": "auth", "aud": "messages", "iat": now, "exp": now + 61, "jti": "j"}
    with pytest.raises(Unauthenticated):
        ServiceVerifier("messages", keys).verify(auth.sign(claims, typ="svc+jwt"))


def test_a_token_that_was_verified_before_is_held_to_the_clock_all_the_same() -> None:
    """Also to one that has gone back since: whoever is wrong about the time must not judge people's tokens by it."""
    now = time.time()
    token = ServiceSigner("messages", messages.private_key, lambda: now).token_for("auth")
    clock = [now]
    verifier = ServiceVerifier("auth", keys, lambda: clock[0])
    assert verifier.verify(token) == verifier.verify(token) == "messages"
    clock[0] = now - 300
    with pytest.raises(Unauthenticated):
        verifier.verify(token)
    clock[0] = now
    assert verifier.verify(token) == "messages"
    clock[0] = now + 70
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_a_token_is_reused_until_shortly_before_its_end() -> None:
    """A call costs no signature each; the callee still has 15 s to look at it."""
    now = [time.time()]
    signer = ServiceSigner("messages", messages.private_key, clock=lambda: now[0])
    verifier = ServiceVerifier("auth", keys, clock=lambda: now[0])
    first = signer.token_for("auth")
    now[0] += 40
    assert signer.token_for("auth") == first
    now[0] += 10
    assert signer.token_for("auth") != first
    now[0] += 30
    with pytest.raises(TokenExpired):
        verifier.verify(first)


def test_a_token_made_while_the_clock_was_ahead_is_not_used_once_it_is_right_again() -> None:
    now = [2_000_300.0]
    signer = ServiceSigner("messages", messages.private_key, clock=lambda: now[0])
    early = signer.token_for("auth")
    now[0] -= 300
    verifier = ServiceVerifier("auth", keys, clock=lambda: now[0])
    with pytest.raises(Unauthenticated):
        verifier.verify(early)
    assert verifier.verify(signer.token_for("auth")) == "messages"


def test_a_persons_token_is_no_services_and_the_other_way_round() -> None:
    """`typ`, `aud` and the keys differ."""
    person = TokenMint("auth")
    people = Verifier(person, issuer="chatire", audience="chatire")
    with pytest.raises(Unauthenticated):
        ServiceVerifier("messages", {"auth": person.private_key.public_key()}).verify(person.access())
    with pytest.raises(Unauthenticated):
        people.verify(ServiceSigner("auth", person.private_key).token_for("chatire"))
