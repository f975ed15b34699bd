"""A way to `posting.post` past Django's handler and REST framework.

Through them a post cost the service 6.2 ms of CPU, of which 30 % were the post itself (py-spy, `./chatire bench post`). The
door takes what is plainly such a post: a token that was verified before, and a body of the usual form. All else, whatever is
wrong with it, goes the usual way and is answered there.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.contracts.ids import is_canonical_uuid, is_sane_request_id, uuid7_text
from chatire_shared.contracts.strict_json import dumps_bytes, loads
from chatire_shared.http.chunked import WsgiApplication
from chatire_shared.http.request_ids import finish
from chatire_shared.identity.drf import bearer_in
from chatire_shared.identity.principal import Principal
from messages_service.identity import verifier
from messages_service.people.services.directory import ensure_caller
from messages_service.short_ways import StartResponse, answered, send
from messages_service.timeline.api.posting import post
from messages_service.timeline.services.posting import NewMessage

MAX_BODY_BYTES = 65_536
"""Four times the longest body that is allowed: what is longer is refused, and not by us."""

_BEFORE, _AFTER = "/api/conversations/", "/messages/"
_ID = slice(len(_BEFORE), len(_BEFORE) + 36)
_PATH_CHARS = len(_BEFORE) + 36 + len(_AFTER)
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_FIELDS = frozenset({"client_id", "body", "reply_to"})
_ALLOW = "GET, POST, HEAD, OPTIONS"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that looks like a post of somebody we know."""

    conversation: str
    sender: Principal
    length: int
    request_id: str


class PostDoor:
    """A WSGI application before Django's."""

    def __init__(self, application: WsgiApplication) -> None:
        """Leave to `application` what isn't plainly a post."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        asked = _asked(environ)
        if asked is None:
            return self._application(environ, start_response)
        data = environ["wsgi.input"].read(asked.length)
        new = _message(asked, data)
        if new is None:
            environ["wsgi.input"] = io.BytesIO(data)
            return self._application(environ, start_response)
        return send(_answer(asked, new, environ["PATH_INFO"]), start_response)


def _asked(environ: dict[str, Any]) -> _Asked | None:
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] != "POST" or len(path) != _PATH_CHARS or not is_canonical_uuid(path[_ID]):
        return None
    if not path.startswith(_BEFORE) or not path.endswith(_AFTER) or environ.get("HTTP_TRANSFER_ENCODING"):
        return None
    length = str(environ.get("CONTENT_LENGTH"))
    if environ.get("CONTENT_TYPE") not in _JSON or not length.isdigit() or not 0 < int(length) <= MAX_BODY_BYTES:
        return None
    sender = _sender(environ)
    if sender is None:
        return None
    given = environ.get("HTTP_X_REQUEST_ID")
    request_id = str(given) if is_sane_request_id(given) else uuid7_text()
    return _Asked(path[_ID], sender, int(length), request_id)


def _sender(environ: dict[str, Any]) -> Principal | None:
    try:
        token = bearer_in(environ)
        return None if token is None else verifier().recall(token)
    except ChatireError:
        return None


def _message(asked: _Asked, data: bytes) -> NewMessage | None:
    """The message that a body of the usual form asks for; None for any other, which isn't judged here."""
    try:
        body = loads(data)
    except ChatireError:
        return None
    if not isinstance(body, dict) or not _FIELDS.issuperset(body):
        return None
    client_id, text, reply_to = body.get("client_id"), body.get("body"), body.get("reply_to")
    if not is_canonical_uuid(client_id) or not isinstance(text, str) or "\0" in text:
        return None
    if reply_to is not None and not is_canonical_uuid(reply_to):
        return None
    return NewMessage(
        conversation=asked.conversation,
        sender=str(asked.sender.user_id),
        client_id=str(client_id),
        body=text,
        reply_to=None if reply_to is None else str(reply_to),
        request_id=asked.request_id,
    )


def _answer(asked: _Asked, new: NewMessage, path: str) -> HttpResponse:
    def make() -> HttpResponse:
        ensure_caller(principal=asked.sender)
        status, shape = post(new, datetime.now(UTC))
        return HttpResponse(dumps_bytes(shape), content_type="application/json", status=status)

    response = answered(make, asked.request_id, path)
    response["Allow"] = _ALLOW
    finish(response, asked.request_id)
    return response
