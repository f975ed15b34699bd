"""Who answers which path on the one public origin."""

import socket

import pytest
from api_gateway import ApiGateway
from fake_upstream import running_upstream

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Request-ID: not\tsane\r\n\r\n"
)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/auth/token/", "auth"),
        ("/api/auth/.well-known/jwks.json", "auth"),
        ("/api/auth/users/?search=ada", "auth"),
        ("/api/conversations/", "messages"),
        ("/api/docs/", "messages"),
        ("/api/authors/", "messages"),
        ("/api/auth", "messages"),
        ("/ws", "gateway"),
    ],
)
def test_path_goes_to_its_service(gateway: ApiGateway, path: str, service: str) -> None:
    answer = gateway.get(path).json
    assert (answer["who"], answer["path"]) == (service, path)


@pytest.mark.parametrize(
    "path", ["/", "/c/0198c2f0", "/settings/profile", "/apiary", "/wsx", "/invites/a.b", "/index.html"]
)
def test_path_of_the_client_is_its_page(gateway: ApiGateway, path: str) -> None:
    answer = gateway.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert b"<title>Chatire</title>" in answer.body


@pytest.mark.parametrize(
    "path", ["/api", "/API/auth/token/", "/Api/conversations/", "/ws/", "/WS", "/ws/x", "/assets/gone.js"]
)
def test_neither_page_nor_service_is_not_found(gateway: ApiGateway, path: str) -> None:
    answer = gateway.get(path)
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_hashed_file_is_kept_for_good_and_compressed(gateway: ApiGateway) -> None:
    answer = gateway.get("/assets/index-5f3a9c.js", Accept_Encoding="gzip")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 200


def test_hidden_file_is_not_served(gateway: ApiGateway) -> None:
    answer = gateway.get("/.stamp")
    assert b"nobody" not in answer.body


def test_websocket_passes_both_ways(gateway: ApiGateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
        connection.sendall(HANDSHAKE)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        large = bytes(range(256)) * 1024
        connection.sendall(large)
        echo = b""
        while len(echo) < len(large):
            echo += connection.recv(65536)

    assert head.startswith(b"HTTP/1.1 101 ")
    assert echo == large
    assert head.lower().count(b"x-request-id:") == 1
    assert b"the-upstreams-own" not in head


def test_several_gateways_share_the_sockets(web_root, tmp_path) -> None:
    """A new socket goes to the gateway that holds fewer."""
    from api_gateway import running_gateway

    with running_upstream("one") as one, running_upstream("two") as two:
        both = f"{one.address} {two.address}"
        with running_gateway(tmp_path, web_root, gateways=both) as caddy:
            sockets = [socket.create_connection(("127.0.0.1", caddy.port), timeout=30) for _ in range(4)]
            for connection in sockets:
                connection.sendall(HANDSHAKE)
                assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
            shares = (len(one.requests), len(two.requests))
            for connection in sockets:
                connection.close()
    assert shares == (2, 2)
