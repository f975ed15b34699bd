"""HTTP without the politeness of a library: paths go out exactly as written."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def problem(self) -> dict[str, object]:
        """The problem details; fails where it is anything else."""
        assert self.headers.get("content-type", "").startswith("application/problem+json"), (
            self.status,
            self.text[:200],
        )
        body = json.loads(self.text)
        assert body["status"] == self.status
        assert {"type", "title", "code", "detail", "request_id"} <= body.keys()
        return dict(body)


def ask(
    origin: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(origin)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
    finally:
        connection.close()
