"""Access tokens that must not work (security.md R1 to R5): forged, altered, borrowed, doubled, over-large."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from api_client import Api, Person
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from auth_service.tokens.keys import key_ring
from chatire_shared.testing.tokens import TokenMint


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(header: Any, claims: Any) -> str:
    """Anything under a genuine signature: a JSON value, or text to be taken as it is."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
    text = ".".join(_b64(part.encode("utf-8", "surrogatepass")) for part in parts)
    key = key_ring().signing_key()[1]
    signature = jwt.get_algorithm_by_name("ES256").sign(text.encode(), key)
    return f"{text}.{_b64(signature)}"


def _header(**changes: Any) -> dict[str, Any]:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key_ring().signing_key()[0]} | changes
    return {name: value for name, value in header.items() if value is not ...}


def _claims(ada: Person, **changes: Any) -> dict[str, Any]:
    genuine = jwt.decode(ada.access, options={"verify_signature": False})
    return {name: value for name, value in (genuine | changes).items() if value is not ...}


def _wrong_algorithms(ada: Person) -> Iterator[tuple[str, str]]:
    _, body, signature = ada.access.split(".")
    public = key_ring().signing_key()[1].public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secrets = {
        "pem": public.public_bytes(serialization.Encoding.PEM, spki),
        "der": public.public_bytes(serialization.Encoding.DER, spki),
        "point": public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        "jwks": json.dumps(key_ring().jwks()).encode(),
        "empty": b"",
    }
    for name in ("none", "None", "nOnE", "NONE", "", "null"):
        header = _b64(json.dumps(_header(alg=name)).encode())
        yield f"alg {name!r} unsigned", f"{header}.{body}."
        yield f"alg {name!r} with the signature", f"{header}.{body}.{signature}"
    for digest in ("256", "384", "512"):
        header = _b64(json.dumps(_header(alg=f"HS{digest}")).encode())
        for name, secret in secrets.items():
            mac = hmac.digest(secret, f"{header}.{body}".encode(), f"sha{digest}")
            yield f"HS{digest} with the public key as {name}", f"{header}.{body}.{_b64(mac)}"
    rsa_key = rsa.generate_private_key(65_537, 2_048)
    for name in ("RS256", "PS256"):
        yield name, jwt.encode(_claims(ada), rsa_key, algorithm=name, headers=_header(alg=name))
    p384 = ec.generate_private_key(ec.SECP384R1())
    yield "ES384", jwt.encode(_claims(ada), p384, algorithm="ES384", headers=_header(alg="ES384"))
    for alg in ("es256", "ES256 ", "ES512", "EdDSA", ["ES256"], 5, None, ...):
        yield f"alg {alg!r}", _signed(_header(alg=alg), _claims(ada))


def _wrong_keys(ada: Person) -> Iterator[tuple[str, str]]:
    thief = TokenMint(kid=key_ring().signing_key()[0])
    yield "another key under our kid", thief.sign(_claims(ada))
    yield (
        "the next key's kid, the current key's signature",
        _signed(_header(kid=key_ring().keys().next.kid), _claims(ada)),
    )
    jwk = thief.jwks()["keys"][0]
    for extra in ({"jwk": jwk}, {"jku": "http://127.0.0.1:9/jwks"}, {"x5u": "http://127.0.0.1:9/c"}, {"x5c": ["MIIB"]}):
        yield f"own key by {next(iter(extra))}", thief.sign(_claims(ada), **extra)
    for kid in ("", "../../../../dev/null", "' OR 1=1 --", "\0", "x" * 65, "x" * 65_536, 5, None, ["a"], {"a": 1}, ...):
        yield f"kid {str(kid)[:20]!r}", _signed(_header(kid=kid), _claims(ada))


def _wrong_headers(ada: Person) -> Iterator[tuple[str, str]]:
    for typ in ("JWT", "jwt", "AT+JWT", "application/at+jwt", "refresh", "svc+jwt", "ws-ticket+jwt", "", None, 5, ...):
        yield f"typ {typ!r}", _signed(_header(typ=typ), _claims(ada))
    for extra in ({"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True, "crit": ["b64"]}):
        yield f"header {extra}", _signed(_header(**extra), _claims(ada))
    good = json.dumps(_header())
    for text in (f'{good[:-1]}, "alg": "none"}}', f'{good[:-1]}, "x": NaN}}', f"[{good}]", "null", "", good[:-1],
                 f'{good[:-1]}, "x": {"[" * 50}{"]" * 50}}}'):  # fmt: skip
        yield f"header {text[-30:]!r}", _signed(text, _claims(ada))


def _wrong_claims(ada: Person) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    texts = ("sub", "sid", "jti", "iss", "aud", "token_type", "name", "role", "display_name", "iat", "exp")
    wrong: list[dict[str, Any]] = [{claim: value} for claim in texts for value in (..., None, 5.5, [], {}, True)]
    wrong += [{claim: ""} for claim in ("sub", "sid", "jti", "iss", "aud", "token_type", "name", "role", "iat", "exp")]
    wrong += [
        {"iss": "evil"}, {"aud": "evil"}, {"aud": ["chatire"]}, {"aud": ["chatire", "evil"]}, {"iss": ["chatire"]},
        {"token_type": "refresh"}, {"token_type": "Access"}, {"sub": str(ada.id).upper()}, {"sub": f"urn:uuid:{ada.id}"},
        {"sub": ada.id.hex}, {"sub": 5}, {"sid": "x"}, {"sub": f"{ada.id}\n"}, {"name": "x" * 33},
        {"exp": now - 9, "iat": now - 609}, {"exp": now - 60, "iat": now - 660}, {"iat": now + 60, "exp": now + 660},
        {"iat": now, "exp": now + 601}, {"exp": 2**63}, {"exp": 10**400}, {"exp": str(now + 60)}, {"exp": now + 60.5},
        {"iat": 0}, {"iat": -1}, {"iat": now + 30, "exp": now}, {"nbf": now}, {"nbf": now + 1_000},
    ]  # fmt: skip
    for changes in wrong:
        yield f"claims {str(changes)[:60]}", _signed(_header(), _claims(ada, **changes))
    good = json.dumps(_claims(ada))
    for text in (f'{good[:-1]}, "sub": "{uuid4()}"}}', f'{good[:-1]}, "x": NaN}}', f'{good[:-1]}, "x": "\\ud800"}}',
                 f"[{good}]", '"x"', "null", "", good[:-1], f'{good[:-1]}, "x": {"[" * 20_000}',
                 f'{good[:-1]}, "x": "{"x" * 9_000}"}}'):  # fmt: skip
        yield f"claims text {text[-30:]!r}", _signed(_header(), text)


def _wrong_forms(ada: Person) -> Iterator[tuple[str, str]]:
    head, body, signature = ada.access.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = raw[:32], raw[32:]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    large = (int.from_bytes(r, "big") + order).to_bytes(33, "big")
    for name, other in {
        "empty": b"", "zeros": bytes(64), "ones": b"\xff" * 64, "short": raw[:-1], "long": raw + b"\0", "swapped": s + r,
        "r only": r, "r zero": bytes(32) + s, "s zero": r + bytes(32), "r plus the order": large + s,
        "sha": hashlib.sha256(raw).digest() * 2,
    }.items():  # fmt: skip
        yield f"signature {name}", f"{head}.{body}.{_b64(other)}"
    other_body = _b64(json.dumps(_claims(ada, role="owner", name="root")).encode())
    yield "other claims", f"{head}.{other_body}.{signature}"
    yield "two segments", f"{head}.{body}"
    yield "four segments", f"{ada.access}.{signature}"
    yield "five segments", f"{ada.access}.x.y"
    yield "dots", ".."
    yield "padding", f"{ada.access}=="
    yield "standard base64", f"{head}.{body}.{base64.b64encode(raw).decode().rstrip('=')}+"
    yield "a line break", f"{head}.\n{body}.{signature}"
    yield "json serialisation", json.dumps({"payload": body, "protected": head, "signature": signature})
    yield "the refresh token", ada.refresh
    yield "over-large", f"{head}.{body}{'A' * 8_192}.{signature}"
    yield "umlauts", "ä.ö.ü"


MAKERS = [_wrong_algorithms, _wrong_keys, _wrong_headers, _wrong_claims, _wrong_forms]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_no_such_token_is_taken(ada: Person, api: Api, maker: Any) -> None:
    forged = dict(maker(ada))
    answers = {name: api.get("me/", token=token) for name, token in forged.items()}

    accepted = {name: answer.status for name, answer in answers.items() if answer.status != 401}
    assert not accepted
    assert {answer.code for answer in answers.values()} <= {"unauthenticated", "token_expired"}
    assert ada.get("me/").status == 200


def test_these_are_more_than_two_hundred(ada: Person) -> None:
    assert sum(len(dict(maker(ada))) for maker in MAKERS) > 200


def test_the_pattern_itself_is_taken(ada: Person, api: Api) -> None:
    """Otherwise the refusals above would prove nothing."""
    assert api.get("me/", token=_signed(_header(), _claims(ada))).status == 200


@pytest.mark.parametrize("skew", [-8, 8])
def test_clocks_may_differ_by_eight_seconds(ada: Person, api: Api, skew: int) -> None:
    now = int(time.time()) + max(0, skew)
    times = {"iat": now, "exp": now + 600} if skew > 0 else {"iat": now - 600, "exp": now - 6}
    assert api.get("me/", token=_signed(_header(), _claims(ada, **times))).status == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "", "Bearer Bearer", "Bearer,"])
def test_other_schemes_are_refused(ada: Person, api: Api, scheme: str) -> None:
    assert api.get("me/", Authorization=f"{scheme} {ada.access}").status == 401


@pytest.mark.parametrize("place", ["?token={}", "?access_token={}", "?access={}", "?jwt={}"])
def test_a_token_in_the_address_is_not_looked_at(ada: Person, api: Api, place: str) -> None:
    assert api.get("me/" + place.format(ada.access)).status == 401


def test_a_token_of_somebody_elses_session_is_refused(ada: Person, grace: Person, api: Api) -> None:
    mixed = _claims(ada) | {"sid": _claims(grace)["sid"]}
    assert api.get("me/", token=_signed(_header(), mixed)).code == "token_revoked"
    unknown = _claims(ada) | {"sid": str(UUID(int=5))}
    assert api.get("me/", token=_signed(_header(), unknown)).code == "token_revoked"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(header=st.dictionaries(st.text(max_size=6), _json, max_size=4), claims=_json)
@hypothesis_settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_random_header_or_payload_gets_in_or_breaks_it(api: Api, header: dict[str, Any], claims: Any) -> None:
    for token in (_signed(header, claims), _signed(_header(**header), claims)):
        assert api.get("me/", token=token).status == 401
