"""Who may do what: the table of protocol.md section 4, each row a predicate on plain values.

All of them are asked about a member; whoever is none gets 404 before any of these.
"""

from __future__ import annotations

from messages_service.conversations.rules.kinds import Kind, Role

_STAFF = frozenset({Role.OWNER, Role.ADMIN})


def may_add(kind: str, role: str) -> bool:
    """Add people or make an invite: owners and admins, and in a group every member."""
    return kind != Kind.DIRECT and (role in _STAFF or kind == Kind.GROUP)


def may_rename(kind: str, role: str) -> bool:
    """Change title and topic."""
    return kind != Kind.DIRECT and role in _STAFF


def may_pin(kind: str, role: str) -> bool:
    """Pin and unpin messages; in a direct conversation both people."""
    return kind == Kind.DIRECT or role in _STAFF


def may_delete_message(kind: str, role: str, *, own: bool) -> bool:
    """Delete a message: one's own always, another's as owner or admin (whoever wrote it)."""
    return own or (kind != Kind.DIRECT and role in _STAFF)


def may_leave(kind: str) -> bool:
    """Leave: everywhere but in a direct conversation (the last owner is another matter)."""
    return kind != Kind.DIRECT


def may_remove(kind: str, role: str, target_role: str) -> bool:
    """Remove somebody else: an owner anybody, an admin only plain members."""
    if kind == Kind.DIRECT:
        return False
    return role == Role.OWNER or (role == Role.ADMIN and target_role == Role.MEMBER)


def may_change_roles(kind: str, role: str) -> bool:
    """Change somebody's role, one's own included."""
    return kind != Kind.DIRECT and role == Role.OWNER


def may_delete_conversation(kind: str, role: str) -> bool:
    """Delete the whole conversation."""
    return kind != Kind.DIRECT and role == Role.OWNER


def leaves_no_owner(role: str, new_role: str | None, owners: int) -> bool:
    """Whether nobody would own the conversation if somebody of `role` took `new_role` (None: went away).

    Args:
        role: What they are now.
        new_role: What they would be.
        owners: How many owners there are now, they included.
    """
    return role == Role.OWNER and new_role != Role.OWNER and owners <= 1
