"""Access tokens: what passes, and every way of forging one that doesn't (security.md R1-R5)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.contracts.errors import ChatireError, TokenExpired, TokenRevoked, Unauthenticated
from chatire_shared.identity.principal import Principal
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint

ADA = UUID("0190a1b2-0000-7000-8000-00000000ada0")
mint = TokenMint()


@pytest.fixture
def verifier() -> Verifier:
    """A verifier that knows the mint's key."""
    return Verifier(mint, issuer="chatire", audience="chatire")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_good_token_proves_its_principal(verifier: Verifier) -> None:
    """The claims become the principal; a second look comes from memory and says the same."""
    token = mint.access(ADA, "ada", display_name="Ada Lovelace")
    first = verifier.verify(token)
    assert (first.user_id, first.username, first.display_name) == (ADA, "ada", "Ada Lovelace")
    assert verifier.verify(token) is first


def test_only_what_was_verified_is_recalled(verifier: Verifier) -> None:
    """Recalling checks no signature, so it knows nothing by itself; forgetting is for both."""
    token = mint.access(ADA, "ada")
    assert verifier.recall(token) is None
    assert verifier.recall("anything") is None
    first = verifier.verify(token)
    assert verifier.recall(token) is first
    verifier.forget()
    assert verifier.recall(token) is None


def test_at_once_is_as_verified_unless_a_key_must_be_fetched_first(verifier: Verifier) -> None:
    """An event loop never waits for a key."""
    token = mint.access(ADA, "ada")
    first = verifier.verify_at_once(token)
    assert first is not None
    assert first.user_id == ADA
    assert verifier.verify(token) is first
    with pytest.raises(Unauthenticated):
        verifier.verify_at_once(token[:-4] + "AAAA")
    with pytest.raises(Unauthenticated):
        verifier.verify_at_once("anything")
    assert verifier.verify_at_once(TokenMint("another").access(ADA, "ada")) is None


def test_what_is_recalled_ends_like_what_is_verified() -> None:
    """Expiry and revocation are asked each time."""
    now, revoked = [time.time()], [False]
    verifier = Verifier(
        mint, issuer="chatire", audience="chatire", is_revoked=lambda _: revoked[0], clock=lambda: now[0]
    )
    token = mint.access(ADA, "ada")
    verifier.verify(token)
    revoked[0] = True
    with pytest.raises(TokenRevoked):
        verifier.recall(token)
    revoked[0] = False
    now[0] += 700
    with pytest.raises(TokenExpired):
        verifier.recall(token)
    assert verifier.recall(token) is None


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti", "sub", "sid", "token_type", "name", "role"])
def test_every_claim_is_mandatory(verifier: Verifier, claim: str) -> None:
    """A token without one of them is none of ours."""
    with pytest.raises(Unauthenticated):
        verifier.verify(mint.access(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "evil"},
        {"aud": "other"},
        {"aud": ["chatire", "other"]},
        {"token_type": "refresh"},
        {"sub": 5},
        {"sub": "ada"},
        {"sub": [str(ADA)]},
        {"sid": "x"},
        {"exp": "tomorrow"},
        {"exp": 2**70},
        {"exp": True},
        {"exp": 1e10},
        {"iat": -1},
        {"exp": int(time.time()) + 100_000},
        {"iat": int(time.time()) + 3_600, "exp": int(time.time()) + 3_700},
        {"iat": int(time.time()), "exp": int(time.time()) - 1},
        {"nbf": 0},
        {"name": ""},
        {"name": "x" * 33},
        {"name": {"a": 1}},
        {"display_name": None},
        {"jti": 7},
        {"role": ""},
    ],
)
def test_a_wrong_claim_under_a_good_signature_is_refused(verifier: Verifier, changes: dict[str, object]) -> None:
    """The key alone proves nothing."""
    with pytest.raises(Unauthenticated):
        verifier.verify(mint.access(**changes))


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "JWT"},
        {"typ": "svc+jwt"},
        {"typ": "AT+JWT"},
        {"kid": "other"},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1"},
        {"kid": "\x00"},
        {"kid": "k" * 65_536},
        {"kid": ""},
        {"crit": ["b64"]},
        {"crit": []},
        {"b64": False},
    ],
)
def test_a_strange_header_is_refused(verifier: Verifier, headers: dict[str, object]) -> None:
    """`kid` is a dictionary key and nothing else."""
    with pytest.raises(Unauthenticated):
        verifier.verify(mint.sign(mint.claims(ADA), **headers))


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES384", "ES512", "EdDSA", "", None, 5])
def test_another_algorithm_is_refused(verifier: Verifier, alg: object) -> None:
    """Exactly one algorithm, spelled exactly so; with the old signature and without."""
    header, claims, signature = mint.access(ADA).split(".")
    forged = _b64(json.dumps({"alg": alg, "typ": "at+jwt", "kid": mint.kid}).encode())
    for ending in (signature, ""):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"{forged}.{claims}.{ending}")
    assert header != forged


def test_a_mac_with_the_public_key_as_secret_is_refused(verifier: Verifier) -> None:
    """The classic confusion of key kinds, with each encoding of the public key."""
    public = mint.private_key.public_key()
    formats = serialization.PublicFormat.SubjectPublicKeyInfo
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(encoding, formats)
        head = _b64(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": mint.kid}).encode())
        body = _b64(json.dumps(mint.claims(ADA)).encode())
        mac = _b64(hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest())
        with pytest.raises(Unauthenticated):
            verifier.verify(f"{head}.{body}.{mac}")


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_keys_named_in_the_token_are_ignored(verifier: Verifier, name: str) -> None:
    """A stranger's key stays a stranger's key, whatever the header points at."""
    stranger = TokenMint()
    claims = stranger.claims(ADA)
    with pytest.raises(Unauthenticated):
        verifier.verify(stranger.sign(claims, **{name: "http://127.0.0.1:9/keys"}))
    with pytest.raises(Unauthenticated):
        verifier.verify(stranger.sign(claims, jwk=stranger.jwks()["keys"][0]))


def test_a_doubled_claim_is_refused(verifier: Verifier) -> None:
    """Two readers could disagree about which one counts."""
    text = json.dumps(mint.claims(ADA))
    doubled = '{"sub":"x",' + text[1:]
    header = _b64(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": mint.kid}).encode())
    signing_input = f"{header}.{_b64(doubled.encode())}"
    signature = jwt.get_algorithm_by_name("ES256").sign(signing_input.encode(), mint.private_key)
    with pytest.raises(Unauthenticated):
        verifier.verify(f"{signing_input}.{_b64(signature)}")


def test_a_second_spelling_of_the_same_signature_is_refused(verifier: Verifier) -> None:
    """Unused bits of the last base64 character must be zero, or one token has several forms."""
    token = mint.access(ADA)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + alphabet[alphabet.index(token[-1]) | 1]
    assert respelled != token
    with pytest.raises(Unauthenticated):
        verifier.verify(respelled)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_garbage_is_refused_and_never_an_error_of_ours(text: str) -> None:
    """Whatever arrives in the header."""
    verifier = Verifier(mint, issuer="chatire", audience="chatire")
    for token in (text, f"{text}.{text}.{text}", mint.access(ADA) + text if text else "x"):
        with pytest.raises(ChatireError):
            verifier.verify(token)


def test_a_token_ends_with_its_time_even_when_remembered() -> None:
    """8 s of leeway, in memory as at first sight."""
    now = [time.time()]
    verifier = Verifier(mint, issuer="chatire", audience="chatire", clock=lambda: now[0])
    token = mint.access(ADA)
    verifier.verify(token)
    now[0] += 607
    verifier.verify(token)
    now[0] += 2
    for _ in range(2):
        with pytest.raises(TokenExpired):
            verifier.verify(token)


def test_a_revoked_session_is_refused_even_when_remembered() -> None:
    """Revocation is asked every time."""
    revoked: set[UUID] = set()

    def is_revoked(principal: Principal) -> bool:
        return principal.session_id in revoked

    verifier = Verifier(mint, issuer="chatire", audience="chatire", is_revoked=is_revoked)
    session = uuid4()
    token = mint.access(ADA, sid=str(session))
    verifier.verify(token)
    revoked.add(session)
    with pytest.raises(TokenRevoked):
        verifier.verify(token)
