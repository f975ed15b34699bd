"""Internal paths exist for the gateway alone."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
import settings as test_settings
from api_client import Someone, call
from gateway_client import Gateway

from chatire_shared.identity.service_tokens import ServiceSigner

PATHS = [
    ("POST", "/internal/messages/batch/"),
    ("GET", f"/internal/users/{uuid4()}/memberships/"),
    ("POST", "/internal/reads/"),
    ("POST", "/internal/events/ranges/"),
    ("POST", "/internal/heads/"),
]

every_path = pytest.mark.parametrize(("method", "path"), PATHS)


@every_path
def test_without_a_valid_service_token_of_the_gateway_there_is_nothing(
    method: str, path: str, ada: Someone, signers: dict[str, ServiceSigner]
) -> None:
    nothing = call("POST", "/internal/nothing/", b"{}")
    assert nothing.refusal == (404, "not_found")
    gateway = test_settings.SERVICES["gateway"]
    old = int(time.time()) - 200
    claims = {"iss": "gateway", "sub": "gateway", "aud": "messages", "jti": "j", "iat": old, "exp": old + 60}
    tokens = [
        None,
        "rubbish",
        ada.token,
        signers["auth"].token_for("messages"),
        signers["messages"].token_for("messages"),
        signers["gateway"].token_for("auth"),
        ServiceSigner("gateway", test_settings.SERVICES["auth"].private_key).token_for("messages"),
        gateway.sign(claims, typ="svc+jwt"),
    ]
    for token in tokens:
        assert call(method, path, b"{}", token=token).sameness == nothing.sameness


@every_path
def test_through_the_api_gateway_there_is_nothing_even_with_a_token(method: str, path: str, gateway: Gateway) -> None:
    for address in ("203.0.113.7", "127.0.0.1", ""):
        assert gateway.call(method, path, b"{}", X_Forwarded_For=address).refusal == (404, "not_found")


@every_path
def test_another_method_finds_nothing(method: str, path: str, gateway: Gateway) -> None:
    for other in {"GET", "POST", "PUT", "DELETE"} - {method}:
        assert gateway.call(other, path, b"{}").refusal == (404, "not_found")


@pytest.mark.parametrize("path", [path for method, path in PATHS if method == "POST"])
def test_a_body_that_is_none_is_refused(path: str, gateway: Gateway) -> None:
    for data in (b"", b"{", b"[]", b"5", b"\xff", b"[" * 20_000):
        assert gateway.call("POST", path, data).refusal == (400, "malformed")
    for data in (b"{}", b'{"v": 1}'):
        assert gateway.call("POST", path, data).refusal == (400, "invalid")


def test_unknown_fields_of_a_newer_gateway_are_ignored(gateway: Gateway) -> None:
    body = {"conversations": [], "users": [], "colour": "red"}
    assert gateway.ask("/internal/heads/", body) == {"heads": {}, "membership_versions": {}}


def test_a_request_id_goes_through(gateway: Gateway) -> None:
    answer = gateway.call("POST", "/internal/heads/", b"{}", X_Request_ID="gateway-1234")
    assert answer.headers["X-Request-ID"] == "gateway-1234"
