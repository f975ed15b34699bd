"""The HTTP side: one origin, one bearer token, and errors as exceptions that carry their problem details."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from chatire_client.errors import ClientError

TIMEOUT_SECONDS = (3.05, 30.0)
_OK_BELOW = 400
Json = dict[str, Any]


class Problem(ClientError):
    """An answer of 400 and above, with its problem details."""

    def __init__(self, response: requests.Response) -> None:
        """Read the body; what is not problem details shows up as `code` `not_a_problem`."""
        self.response = response
        self.status = response.status_code
        self.content_type = response.headers.get("Content-Type", "")
        self.body = _problem_body(response)
        self.code = str(self.body.get("code", "not_a_problem"))
        self.detail = str(self.body.get("detail", response.text[:200]))
        super().__init__(f"{response.request.method} {response.url}: {self.status} {self.code}: {self.detail}")

    @property
    def fields(self) -> dict[str, str]:
        """The refused fields with their codes."""
        return {error["field"]: error["code"] for error in self.body.get("errors", [])}

    @property
    def retry_after_seconds(self) -> float | None:
        """What the server asked to wait."""
        value = self.response.headers.get("Retry-After")
        return float(value) if value else None


def _problem_body(response: requests.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class Http:
    """Calls to one origin. Safe to use from several threads (each call takes a pooled connection)."""

    def __init__(self, origin: str, *, connections: int = 10) -> None:
        """Call `origin` (`http://localhost:8000`), over at most `connections` kept open."""
        self.origin = origin.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # A proxy or a .netrc of this machine is no part of the contract.
        self._session.mount("http", HTTPAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True))

    @property
    def socket_url(self) -> str:
        """The address of the WebSocket."""
        return "ws" + self.origin.removeprefix("http") + "/ws"

    def raw(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: object = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> requests.Response:
        """One call, whatever its answer. `body` is sent as JSON, `data` as the bytes it is."""
        all_headers = dict(headers or {})
        if token is not None:
            all_headers["Authorization"] = f"Bearer {token}"
        if data is not None:
            all_headers.setdefault("Content-Type", "application/json")
        return self._session.request(
            method,
            self.origin + path,
            headers=all_headers,
            json=body,
            data=data,
            params=params,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: object = None,
        params: dict[str, str] | None = None,
    ) -> Json:
        """One call that should work; an empty answer is `{}`.

        Raises: Problem.
        """
        response = self.raw(method, path, token=token, body=body, params=params)
        if response.status_code >= _OK_BELOW:
            raise Problem(response)
        return cast("Json", response.json()) if response.content else {}


def segment(text: str) -> str:
    """A value as one segment of a path (an emoji, an invitation's code)."""
    return quote(text, safe="")
