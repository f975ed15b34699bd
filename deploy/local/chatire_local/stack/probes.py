"""Asking a part whether it can serve."""

import http.client
import socket

TIMEOUT_SECONDS = 2


def http_ready(address: str, path: str = "/readyz") -> str | None:
    """Ask over HTTP; anything but a 200 is a reason."""
    host, port = address.rsplit(":", 1)
    asking = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
    try:
        asking.request("GET", path, headers={"Accept": "application/json"})
        answer = asking.getresponse()
        text = answer.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as failure:
        return f"no answer from {address} ({str(failure) or type(failure).__name__})"
    finally:
        asking.close()
    return None if answer.status == http.HTTPStatus.OK else f"{path} answers {answer.status}: {text}"


def accepts_connections(address: str) -> str | None:
    """Open a connection and close it again."""
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS):
            return None
    except OSError as failure:
        return f"no answer from {address} ({failure})"
