"""`POST /api/auth/token/`."""

from __future__ import annotations

from datetime import UTC, datetime

import jwt
import pytest
from api_client import PASSWORD, Api, Person

from auth_service.tokens.keys import key_ring
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.activation import disable_account
from auth_service.tokens.services.provisioning import Wanted, ensure_accounts


@pytest.mark.parametrize("name", ["ada", "ADA", "ada@example.org", "Ada@Example.org"])
def test_name_or_address_signs_in_whatever_the_case(ada: Person, api: Api, name: str) -> None:
    answer = api.post("token/", {"username": name, "password": PASSWORD})

    assert answer.status == 200
    assert answer.json.keys() == {"user", "access", "refresh"}
    assert answer.json["user"]["id"] == str(ada.id)


def test_the_access_token_says_what_the_contract_says(ada: Person) -> None:
    header = jwt.get_unverified_header(ada.access)
    claims = jwt.decode(ada.access, options={"verify_signature": False})

    kid, _ = key_ring().signing_key()
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": kid}
    assert claims.keys() == {
        "sub", "sid", "jti", "iat", "exp", "iss", "aud", "token_type", "name", "display_name", "role"
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == 600
    assert claims["sub"] == str(ada.id)
    assert claims["sid"] == str(RefreshSession.objects.get().id)
    assert (claims["iss"], claims["aud"], claims["token_type"]) == ("chatire", "chatire", "access")
    assert (claims["name"], claims["display_name"], claims["role"]) == ("ada", "Ada Lovelace", "owner")


def test_a_published_key_confirms_the_access_token(ada: Person, api: Api) -> None:
    kid = jwt.get_unverified_header(ada.access)["kid"]
    published = {key["kid"]: key for key in api.get(".well-known/jwks.json").json["keys"]}

    key = jwt.PyJWK(published[kid]).key
    assert jwt.decode(ada.access, key, algorithms=["ES256"], audience="chatire", issuer="chatire")["name"] == "ada"


def test_unknown_wrong_disabled_and_passwordless_answer_alike(ada: Person, grace: Person, api: Api) -> None:
    disable_account(username="grace", now=datetime.now(UTC))
    ensure_accounts(wanted=[Wanted("linus", "linus@example.org", password=None)], now=datetime.now(UTC))
    answers = [
        api.post("token/", {"username": name, "password": password})
        for name, password in [
            ("nobody", PASSWORD),
            ("nobody@example.org", PASSWORD),
            ("ada", "wrong password here"),
            ("ada@example.org", "x"),
            ("grace", PASSWORD),
            ("grace", "wrong password here"),
            ("linus", "!"),
            ("ada\u0301", PASSWORD),
            ("%", PASSWORD),
        ]
    ]
    assert {answer.code for answer in answers} == {"invalid_credentials"}
    assert all(answer.sameness == answers[0].sameness for answer in answers)
    assert answers[0].status == 401


@pytest.mark.parametrize("user_agent", ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"])
def test_each_sign_in_is_a_session_of_its_own(ada: Person, api: Api, user_agent: str) -> None:
    headers = {"User_Agent": user_agent, "X_Forwarded_For": "198.51.100.4, 203.0.113.7"}
    answer = api.post("token/", {"username": "ada", "password": PASSWORD}, **headers)

    assert answer.status == 200
    newest = RefreshSession.objects.order_by("-id")[0]
    assert (newest.device, newest.address) == ("Firefox on Linux", "203.0.113.7")
    assert RefreshSession.objects.filter(user_id=ada.id).count() == 2


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "ada"}, {"username": 1, "password": PASSWORD}, {"username": "ada", "password": None},
     {"username": "ada", "password": PASSWORD, "x": 1}, {"username": "a\0", "password": PASSWORD},
     {"username": "a" * 300, "password": PASSWORD}, {"username": "ada", "password": "x" * 5_000}],
)  # fmt: skip
def test_wrong_bodies_are_400(ada: Person, api: Api, body: object) -> None:
    answer = api.post("token/", body)

    assert answer.status == 400
    assert answer.code in {"invalid", "unknown_field"}


def test_an_authorization_header_that_came_along_does_no_harm(ada: Person, api: Api) -> None:
    body = {"username": "ada", "password": PASSWORD}
    assert api.post("token/", body, token="rubbish").status == 200
