from __future__ import annotations

import pytest

from chatire_shared.http.addresses import networks
from gateway_service.realtime.handshake import read_handshake
from gateway_service.realtime.origins import is_allowed

ALLOWED = ("https://partner.example",)


@pytest.mark.parametrize(
    "origin",
    [
        "http://chat.example:8000.evil.example",
        "http://evil.example",
        "http://chat.example",
        "http://chat.example:8001",
        "https://chat.example:8000",
        "HTTP://chat.example:8000",
        "http://chat.example:8000/",
        "http://chat.example:8000/path",
        "http://user@chat.example:8000",
        "http://evilchat.example:8000",
        "http://chat.example:8000@evil.example",
        "http://chat.example:8000 http://evil.example",
        "http://chat.example:8000,http://evil.example",
        "http://xn--cht-5na.example:8000",
        "null",
        "",
        "file://",
        "chrome-extension://abc",
        "https://partner.example.evil",
        "http://partner.example",
        "https://partner.example:8443",
        "http://chat.example:8000\x0b",
    ],
)
def test_a_foreign_page_is_refused(origin: str) -> None:
    assert not is_allowed(origin, host="chat.example:8000", scheme="http", allowed=ALLOWED)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        (None, "chat.example:8000", "http"),
        ("http://chat.example:8000", "chat.example:8000", "http"),
        ("http://chat.example:8000", "CHAT.example:8000", "http"),
        ("https://chat.example", "chat.example", "https"),
        ("https://chat.example", "chat.example:443", "https"),
        ("http://[::1]:8000", "[::1]:8000", "http"),
        ("https://partner.example", "chat.example:8000", "http"),
    ],
)
def test_our_own_pages_the_allowed_ones_and_programs_are_served(origin: str | None, host: str, scheme: str) -> None:
    assert is_allowed(origin, host=host, scheme=scheme, allowed=ALLOWED)


def _scope(
    peer: str = "127.0.0.1", subprotocols: tuple[str, ...] = ("chatire.v1",), **headers: str
) -> dict[str, object]:
    return {
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": [peer, 5],
        "subprotocols": list(subprotocols),
    }


def _read(scope: dict[str, object]):
    return read_handshake(scope, trusted=networks(["127.0.0.0/8"]), allowed_origins=ALLOWED)


def test_behind_our_proxy_the_scheme_and_the_address_are_what_it_says() -> None:
    facts = _read(
        _scope(
            host="chat.example",
            origin="https://chat.example",
            x_forwarded_proto="https",
            x_forwarded_for="203.0.113.9",
        )
    )
    assert facts.origin_allowed
    assert facts.address == "203.0.113.9"


def test_a_strangers_forwarded_headers_count_for_nothing() -> None:
    facts = _read(
        _scope(
            peer="198.51.100.7",
            host="chat.example",
            origin="https://chat.example",
            x_forwarded_proto="https",
            x_forwarded_for="203.0.113.9",
        )
    )
    assert not facts.origin_allowed
    assert facts.address == "198.51.100.7"


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer abc", "abc"), ("Basic abc", None), ("Bearer", None), ("Bearer ", None)],
)
def test_the_handshakes_token_is_a_bearer_token(header: str, token: str | None) -> None:
    assert _read(_scope(authorization=header)).token == token


def test_only_our_subprotocol_is_spoken() -> None:
    assert _read(_scope(subprotocols=("chatire.v0", "chatire.v1"))).speaks
    assert not _read(_scope(subprotocols=("chatire.v10",))).speaks
    assert not _read(_scope(subprotocols=())).speaks
