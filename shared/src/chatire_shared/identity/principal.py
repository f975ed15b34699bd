"""The person behind a request, as their access token says."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    Attributes:
        user_id: The token's `sub`.
        session_id: The token's `sid`; revoking a session ends all of its tokens.
        username: Name at the time the token was issued.
        display_name: Shown name at that time.
        role: Role in the workspace.
        expires_at: End of the token, Unix seconds.
    """

    user_id: UUID
    session_id: UUID
    username: str
    display_name: str
    role: str
    expires_at: int

    is_authenticated = True
