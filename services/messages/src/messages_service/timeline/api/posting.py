"""What `POST /api/conversations/{id}/messages/` does, and a way to it past Django and REST framework.

Through them a post cost the service 6.2 ms of CPU, of which 30 % were the post itself (py-spy, `./chatire bench post`). The
door takes what is plainly such a post: a token that was verified before, and a body of the usual form. All else, whatever is
wrong with it, goes the usual way and is answered there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.http import HttpResponse

from chatire_shared.contracts.errors import ChatireError, RateLimited
from chatire_shared.contracts.ids import is_canonical_uuid, is_sane_request_id, uuid7
from chatire_shared.contracts.strict_json import dumps, loads
from chatire_shared.crash_points import hit
from chatire_shared.http.chunked import WsgiApplication
from chatire_shared.http.problems import problem_for
from chatire_shared.http.request_ids import bind_request_id, finish
from chatire_shared.identity.drf import bearer_in
from chatire_shared.identity.principal import Principal
from messages_service.identity import verifier
from messages_service.people.services.directory import ensure_caller
from messages_service.timeline.limits import spend_posts
from messages_service.timeline.selectors import messages
from messages_service.timeline.services.posting import ALONE_TIMEOUT_MS, NewMessage, post_messages

MAX_BODY_BYTES = 65_536
"""Four times the longest body that is allowed: what is longer is refused, and not by us."""

_BEFORE, _AFTER = "/api/conversations/", "/messages/"
_ID = slice(len(_BEFORE), len(_BEFORE) + 36)
_PATH_CHARS = len(_BEFORE) + 36 + len(_AFTER)
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_FIELDS = frozenset({"client_id", "body", "reply_to"})
_ALLOW = "GET, POST, HEAD, OPTIONS"


def post(new: NewMessage, now: datetime) -> tuple[HTTPStatus, dict[str, Any]]:
    """Post a message in its sender's name: 201 and the message; 200 and the first one for a repeated `client_id`.

    Raises:
        RateLimited: the sender posts too much.
        ChatireError: as `post_messages` has it.
        OperationalError, InterfaceError: PostgreSQL is away.
    """
    decision = spend_posts([new.sender])[0]
    if not decision.allowed:
        raise RateLimited(retry_after_seconds=decision.retry_after_seconds)
    outcome = post_messages(items=[new], now=now, lock_timeout_ms=ALONE_TIMEOUT_MS)[0]
    if isinstance(outcome, ChatireError):
        raise outcome
    hit("messages.before_answer")
    if outcome.shape is not None:
        return HTTPStatus.CREATED, outcome.shape
    found = messages.get_message(conversation_id=new.conversation, seq=outcome.seq)
    return HTTPStatus.OK, messages.shape_of(found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that looks like a post of somebody we know."""

    conversation: UUID
    sender: Principal
    length: int
    request_id: str


class PostDoor:
    """A WSGI application before Django's."""

    def __init__(self, application: WsgiApplication) -> None:
        """Leave to `application` what isn't plainly a post."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        asked = _asked(environ)
        if asked is None:
            return self._application(environ, start_response)
        data = environ["wsgi.input"].read(asked.length)
        new = _message(asked, data)
        if new is None:
            environ["wsgi.input"] = io.BytesIO(data)
            return self._application(environ, start_response)
        response = _answer(asked, new, environ["PATH_INFO"])
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]


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
    request_id = str(given) if is_sane_request_id(given) else str(uuid7())
    return _Asked(UUID(path[_ID]), sender, int(length), request_id)


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
        sender=asked.sender.user_id,
        client_id=UUID(client_id),
        body=text,
        reply_to=None if reply_to is None else UUID(reply_to),
        request_id=asked.request_id,
    )


def _answer(asked: _Asked, new: NewMessage, path: str) -> HttpResponse:
    bind_request_id(asked.request_id)
    try:
        ensure_caller(principal=asked.sender)
        status, shape = post(new, datetime.now(UTC))
        response = HttpResponse(dumps(shape), content_type="application/json", status=status)
    except Exception as error:  # noqa: BLE001 (whatever it is, there is an answer, as from Django)
        response = problem_for(error, path)
    finally:
        bind_request_id(None)
        if connection.errors_occurred:
            close_old_connections()
    response["Allow"] = _ALLOW
    finish(response, asked.request_id)
    return response
