"""The domain's errors, each with the stable code, status and text that protocol.md section 2 gives it.

ChatireError
├── Malformed            400 malformed        not JSON, too deep, NaN, lone surrogates
├── Invalid              400 invalid          carries field errors
├── Unauthenticated      401 unauthenticated
│   ├── TokenExpired     401 token_expired
│   ├── TokenRevoked     401 token_revoked
│   └── TokenReused      401 token_reused
├── InvalidCredentials   401 invalid_credentials
├── Forbidden            403 forbidden
│   ├── NotAuthor        403 not_author
│   └── RoleRequired     403 role_required
├── NotFound             404 not_found
├── MethodNotAllowed     405 invalid
├── Conflict             409 conflict
│   ├── LastOwner        409 last_owner
│   └── Archived         409 archived
├── Gone                 410 gone
│   └── CursorExpired    410 cursor_expired
├── TooLarge             413 too_large
├── UnsupportedMedia     415 invalid
├── RateLimited          429 rate_limited     carries retry_after_seconds
├── Unavailable          503 unavailable      carries retry_after_seconds
└── Internal             500 internal
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused field of a request: its name, a stable code, and what to change."""

    field: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """The form in which problem details carry it."""
        return {"field": self.field, "code": self.code, "detail": self.detail}


class ChatireError(Exception):
    """An anticipated refusal. `detail` tells a person what to do next."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    retryable: ClassVar[bool] = False
    default_detail: ClassVar[str] = "Try again; if it goes on, give the request id to whoever runs this server."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.detail)

    def problem(self, request_id: str | None) -> dict[str, Any]:
        """The RFC 9457 body of this error."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [error.as_dict() for error in self.errors]
        return body


class Internal(ChatireError):
    """Something unanticipated."""


class Malformed(ChatireError):
    """The body is not the JSON that protocol.md section 2 allows."""

    status, code, title = 400, "malformed", "The request can't be read"
    default_detail = "Send one JSON object in UTF-8, at most 16 levels deep, without NaN or lone surrogates."


class Invalid(ChatireError):
    """A field is missing, of the wrong type, or out of range."""

    status, code, title = 400, "invalid", "The request isn't valid"
    default_detail = "Correct the fields named in `errors` and send it again."

    @classmethod
    def field(cls, field: str, code: str, detail: str) -> Invalid:
        """An error about one field."""
        return cls(errors=[FieldError(field, code, detail)])


class UnknownField(ChatireError):
    """The body has a field that this call doesn't know."""

    status, code, title = 400, "unknown_field", "The request has an unknown field"
    default_detail = "Leave out the fields named in `errors` and send it again."


class Unauthenticated(ChatireError):
    """No usable access token."""

    status, code, title = 401, "unauthenticated", "Sign in first"
    default_detail = "Send a valid access token in the Authorization header."


class TokenExpired(Unauthenticated):
    """The access token's time is over."""

    code = "token_expired"
    default_detail = "Refresh the access token and send the request again."


class TokenRevoked(Unauthenticated):
    """The session behind the token was ended."""

    code = "token_revoked"
    default_detail = "This session was ended; sign in again."


class TokenReused(Unauthenticated):
    """A spent refresh token came back after its grace: the session is over."""

    code = "token_reused"
    default_detail = "This refresh token was used before, so its session was ended for safety; sign in again."


class InvalidCredentials(ChatireError):
    """Name and password don't go together."""

    status, code, title = 401, "invalid_credentials", "Sign-in failed"
    default_detail = "Check the name and the password and try again."


class Forbidden(ChatireError):
    """One may see it, but not do this."""

    status, code, title = 403, "forbidden", "Not allowed"
    default_detail = "You can't do this here."


class NotAuthor(Forbidden):
    """Only the author may do this."""

    code = "not_author"
    default_detail = "Only the author of the message can do this."


class RoleRequired(Forbidden):
    """The caller's role in the conversation isn't enough."""

    code = "role_required"
    default_detail = "Ask an owner or admin of the conversation to do this."


class NotFound(ChatireError):
    """It doesn't exist, or the caller may not see it: the answer is the same."""

    status, code, title = 404, "not_found", "Not found"
    default_detail = "There is nothing here that you can see; check the address."


class MethodNotAllowed(ChatireError):
    """The path exists, the method doesn't."""

    status, code, title = 405, "invalid", "Method not allowed"
    default_detail = "Use one of the methods named in the Allow header."


class Conflict(ChatireError):
    """The state of things doesn't allow it."""

    status, code, title = 409, "conflict", "Not possible as things are"
    default_detail = "Fetch the current state and decide again."


class LastOwner(Conflict):
    """The last owner can neither leave nor step down."""

    code = "last_owner"
    default_detail = "Make somebody else an owner first."


class Archived(Conflict):
    """The conversation is archived."""

    code = "archived"
    default_detail = "The conversation is archived; nothing can be changed in it."


class Gone(ChatireError):
    """It was there and is no more."""

    status, code, title = 410, "gone", "No longer there"
    default_detail = "It was deleted."


class CursorExpired(Gone):
    """The cursor is older than the events that are kept."""

    code = "cursor_expired"
    default_detail = "Fetch the conversation's messages anew and go on from its last_seq."


class TooLarge(ChatireError):
    """The body is over the limit."""

    status, code, title = 413, "too_large", "Too large"
    default_detail = "Send at most 1 MiB."


class UnsupportedMedia(ChatireError):
    """The body isn't JSON by its own content type."""

    status, code, title = 415, "invalid", "Unsupported content type"
    default_detail = "Send `Content-Type: application/json`."


class RateLimited(ChatireError):
    """Too much in too short a time."""

    status, code, title, retryable = 429, "rate_limited", "Too many requests", True
    default_detail = "Wait as long as Retry-After says, then try again."


class Unavailable(ChatireError):
    """Something this service needs is away for a moment."""

    status, code, title, retryable = 503, "unavailable", "Not available at the moment", True
    default_detail = "Try again in a moment; nothing was changed."
