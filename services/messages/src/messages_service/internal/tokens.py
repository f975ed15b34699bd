"""The users in whose names the gateway speaks: each item of a batch names one of the tokens that came with it.

Nobody is made known here, as a caller of the public side is: who is a member of anything is known already, and nobody else
can do anything by these calls.
"""

from __future__ import annotations

from typing import Any

from chatire_shared.contracts.errors import ChatireError, Unauthenticated
from chatire_shared.identity.principal import Principal
from messages_service.identity import verifier

Bearers = list[Principal | ChatireError]


def verify_tokens(tokens: list[Any]) -> Bearers:
    """The principal of each token, or why it proves none; a bad one fails its own items only."""
    return [_verify(token) for token in tokens]


def bearer_of(item: Any, bearers: Bearers) -> Principal:
    """The principal of an item.

    Raises:
        Unauthenticated, TokenExpired, TokenRevoked, Unavailable: its token's fate.
    """
    index = item.get("token") if isinstance(item, dict) else None
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(bearers):
        raise Unauthenticated
    bearer = bearers[index]
    if isinstance(bearer, ChatireError):
        raise bearer
    return bearer


def failure(error: ChatireError) -> dict[str, Any]:
    """An item's refusal."""
    detail = error.errors[0].detail if error.errors else error.detail
    result = {"ok": False, "code": error.code, "detail": detail, "retryable": error.retryable}
    if error.retry_after_seconds is not None:
        result["retry_after_ms"] = max(1, round(error.retry_after_seconds * 1_000))
    return result


def _verify(token: Any) -> Principal | ChatireError:
    if not isinstance(token, str):
        return Unauthenticated()
    try:
        return verifier().verify(token)
    except ChatireError as error:
        return error
