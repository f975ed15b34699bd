"""The one way a service calls another (docs/internal.md)."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.http.request_ids import current_request_id
from chatire_shared.identity.service_tokens import ServiceSigner

TIMEOUT_SECONDS = 2.0
POOL_CONNECTIONS = 16


class ServiceClient:
    """Calls one other service; safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        callee: str,
        signer: ServiceSigner,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        pool_connections: int = POOL_CONNECTIONS,
    ) -> None:
        """Prepare a pooled session.

        Args:
            base_url: Where the service listens, without the API gateway.
            callee: Its name, the audience of our tokens.
            signer: Makes our tokens.
            timeout_seconds: For connecting and for each read.
            pool_connections: Connections kept open.
        """
        self._base_url = base_url.rstrip("/")
        self._callee = callee
        self._signer = signer
        self._timeout = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=pool_connections))

    def get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """GET `path`, tried twice: it changes nothing.

        Raises:
            NotFound: the service says 404.
            Unavailable: it can't be reached in time, or answers anything but success.
        """
        try:
            return self._call("GET", path, params=params)
        except Unavailable:
            return self._call("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any], *, timeout_seconds: float | None = None) -> dict[str, Any]:
        """POST `body` as JSON, once.

        Raises:
            NotFound, Unavailable: as `get`.
        """
        data = dumps(body).encode()
        return self._call("POST", path, data=data, timeout=timeout_seconds or self._timeout)

    def _call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("timeout", self._timeout)
        headers = {
            "Authorization": f"Bearer {self._signer.token_for(self._callee)}",
            "Content-Type": "application/json",
        }
        if request_id := current_request_id():
            headers["X-Request-ID"] = request_id
        try:
            response = self._session.request(
                method, self._base_url + path, headers=headers, allow_redirects=False, **kwargs
            )
            if response.status_code == requests.codes.not_found:
                raise NotFound
            body = response.json() if response.status_code == requests.codes.ok else None
        except (requests.RequestException, ValueError) as error:
            raise self._unavailable() from error
        if not isinstance(body, dict):
            raise self._unavailable()
        return body

    def _unavailable(self) -> Unavailable:
        detail = f"The {self._callee} service can't be reached; try again in a moment."
        return Unavailable(detail, retry_after_seconds=1)
