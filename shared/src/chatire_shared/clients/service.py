"""The one way a service calls another (docs/internal.md)."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from chatire_shared.clients.bases import Bases
from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.http.request_ids import current_request_id
from chatire_shared.identity.service_tokens import ServiceSigner

TIMEOUT_SECONDS = 2.0
POOL_CONNECTIONS = 16
_ELSEWHERE = frozenset({requests.codes.bad_gateway, requests.codes.service_unavailable, requests.codes.gateway_timeout})


class ServiceClient:
    """Calls one other service, of which several may run; safe to share between threads.

    A call that one instance did not take (refused, cut off before an answer, 502, 503, 504) goes to the next at once. It
    may have been done nevertheless, so every internal call must be one that may be done twice (docs/internal.md).

    Attributes:
        bases: Where its instances listen.
    """

    def __init__(
        self,
        base_urls: str,
        callee: str,
        signer: ServiceSigner,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        pool_connections: int = POOL_CONNECTIONS,
    ) -> None:
        """Prepare a pooled session.

        Args:
            base_urls: Where instances of the service listen, without the API gateway; separated by spaces or commas.
            callee: Its name, the audience of our tokens.
            signer: Makes our tokens.
            timeout_seconds: For connecting and for each read.
            pool_connections: Connections kept open to each instance.
        """
        self.bases = Bases(base_urls)
        self._callee = callee
        self._signer = signer
        self._timeout = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=pool_connections))

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

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST `body` as JSON, again only where nobody is known to have done it.

        Raises:
            NotFound, Unavailable: as `get`.
        """
        return self._call("POST", path, data=dumps(body).encode())

    def authorization(self) -> str:
        """The header by which the service knows us."""
        return f"Bearer {self._signer.token_for(self._callee)}"

    def _call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("timeout", self._timeout)
        kwargs["headers"] = self._headers()
        response = self._response(method, path, **kwargs)
        if response.status_code == requests.codes.not_found:
            raise NotFound
        try:
            body = response.json() if response.status_code == requests.codes.ok else None
        except ValueError as error:
            raise self._unavailable() from error
        if not isinstance(body, dict):
            raise self._unavailable()
        return body

    def _headers(self) -> dict[str, str]:
        headers = {
            "Authorization": self.authorization(),
            "Content-Type": "application/json",
        }
        if request_id := current_request_id():
            headers["X-Request-ID"] = request_id
        return headers

    def _response(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """The first answer of an instance that takes the call.

        A single address is tried a second time when the connection broke: it may have been kept from before a restart, or
        the name may stand for several instances.
        """
        bases = self.bases.in_turn()
        failure: Exception | None = None
        for base in bases if len(bases) > 1 else bases * 2:
            try:
                response = self._session.request(method, base + path, allow_redirects=False, **kwargs)
            except requests.ReadTimeout as error:
                # It has the call, and may be at it still: asking another one would double the work of a slow system.
                self.bases.failed(base)
                raise self._unavailable() from error
            except requests.RequestException as error:
                self.bases.failed(base)
                failure = error
                continue
            if response.status_code not in _ELSEWHERE or len(bases) == 1:
                self.bases.worked(base)
                return response
            self.bases.failed(base)
        raise self._unavailable() from failure

    def _unavailable(self) -> Unavailable:
        detail = f"The {self._callee} service can't be reached; try again in a moment."
        return Unavailable(detail, retry_after_seconds=1)
