"""The one place where errors become answers over HTTP: RFC 9457 problem details (protocol.md section 2)."""

from __future__ import annotations

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from chatire_shared.contracts import errors
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.http.request_ids import current_request_id

logger = logging.getLogger("chatire.http")

CONTENT_TYPE = "application/problem+json"
_DATABASE_RETRY_SECONDS = 2


def problem_response(error: errors.ChatireError) -> HttpResponse:
    """`error` as an answer outside of DRF."""
    response = HttpResponse(dumps(error.problem(current_request_id())), content_type=CONTENT_TYPE, status=error.status)
    for name, value in _headers(error).items():
        response[name] = value
    return response


def _headers(error: errors.ChatireError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if error.status == errors.Unauthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def problem_for(exception: Exception, path: str) -> HttpResponse:
    """An answer for something that was raised; the unanticipated is logged once."""
    error = translate(exception)
    if isinstance(error, errors.Internal):
        logger.error("unanticipated error", exc_info=exception, extra={"path": path})
    return problem_response(error)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: everything becomes problem details; the unanticipated is logged once."""
    error = translate(exc)
    if isinstance(error, errors.Invalid) and _has_no_body(context):
        error = errors.Malformed("This call needs a body; send one JSON object.")
    if isinstance(error, errors.Internal):
        logger.error("unanticipated error", exc_info=exc, extra={"view": type(context.get("view")).__name__})
    headers = _headers(error)
    if isinstance(exc, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    response = Response(error.problem(current_request_id()), status=error.status, headers=headers)
    response.content_type = CONTENT_TYPE
    return response


def _has_no_body(context: dict[str, Any]) -> bool:
    """Whether a call that takes a body came without one: that is no JSON, while `{}` would merely lack fields."""
    request = context.get("request")
    return (
        request is not None
        and request.method in {"POST", "PUT", "PATCH"}
        and not request.META.get("HTTP_TRANSFER_ENCODING")
        and request.META.get("CONTENT_LENGTH") in {None, "", "0"}
    )


def translate(exc: Exception) -> errors.ChatireError:
    """The domain error that says the same as `exc`."""
    if isinstance(exc, errors.ChatireError):
        return exc
    if isinstance(exc, drf.ValidationError):
        return errors.Invalid(errors=field_errors(exc.detail))
    if isinstance(exc, OperationalError | InterfaceError):
        logger.warning("database not available: %s", type(exc).__name__)
        return errors.Unavailable(retry_after_seconds=_DATABASE_RETRY_SECONDS)
    for known, make in _KNOWN:
        if isinstance(exc, known):
            return make()
    return errors.Internal()


_KNOWN: tuple[tuple[type[Exception], type[errors.ChatireError]], ...] = (
    (drf.ParseError, errors.Malformed),
    (drf.NotAuthenticated, errors.Unauthenticated),
    (drf.AuthenticationFailed, errors.Unauthenticated),
    (drf.PermissionDenied, errors.Forbidden),
    (drf.NotFound, errors.NotFound),
    (drf.MethodNotAllowed, errors.MethodNotAllowed),
    (drf.UnsupportedMediaType, errors.UnsupportedMedia),
    (drf.NotAcceptable, errors.NotFound),
    (drf.Throttled, errors.RateLimited),
    (Http404, errors.NotFound),
    (PermissionDenied, errors.Forbidden),
    (RequestDataTooBig, errors.TooLarge),
)


def field_errors(detail: Any, prefix: str = "") -> list[errors.FieldError]:
    """DRF's nested details as a flat list with stable codes."""
    if isinstance(detail, dict):
        return [
            error
            for field, inner in detail.items()
            for error in field_errors(inner, f"{prefix}.{field}" if prefix else str(field))
        ]
    if isinstance(detail, list):
        return [error for inner in detail for error in field_errors(inner, prefix)]
    code = getattr(detail, "code", "invalid")
    return [errors.FieldError(prefix or "body", _CODES.get(code, code), str(detail))]


_CODES = {"max_length": "too_long", "min_length": "too_short", "max_value": "too_large", "min_value": "too_small"}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if isinstance(exception, RequestDataTooBig):
        return problem_response(errors.TooLarge())
    return problem_response(errors.Malformed("The request itself is not well formed."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return problem_response(errors.Forbidden())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return problem_response(errors.NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    return problem_response(errors.Internal())


class ProblemMiddleware:
    """Turns what escapes a plain view into problem details, so that no path answers HTML."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        response: HttpResponse = self._get_response(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view that raised."""
        return problem_for(exception, request.path)
