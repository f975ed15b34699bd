"""Who may do what: the whole table of protocol.md section 4, for every kind and role."""

from __future__ import annotations

from itertools import product

import pytest

from messages_service.conversations.rules import permissions
from messages_service.conversations.rules.kinds import Kind, Role

OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER
ROLES = (OWNER, ADMIN, MEMBER)
CASES = list(product(Kind, ROLES))

# Who may, by kind; everything that isn't named may not.
ADD = {Kind.GROUP: {OWNER, ADMIN, MEMBER}, Kind.CHANNEL: {OWNER, ADMIN}, Kind.DIRECT: set()}
RENAME = {Kind.GROUP: {OWNER, ADMIN}, Kind.CHANNEL: {OWNER, ADMIN}, Kind.DIRECT: set()}
PIN = {Kind.GROUP: {OWNER, ADMIN}, Kind.CHANNEL: {OWNER, ADMIN}, Kind.DIRECT: {OWNER, ADMIN, MEMBER}}
DELETE_OTHERS = RENAME
CHANGE_ROLES = {Kind.GROUP: {OWNER}, Kind.CHANNEL: {OWNER}, Kind.DIRECT: set()}
DELETE_ALL = CHANGE_ROLES
REMOVE = {OWNER: {OWNER, ADMIN, MEMBER}, ADMIN: {MEMBER}, MEMBER: set()}


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_each_role_may_do_what_the_table_says(kind: Kind, role: Role) -> None:
    assert permissions.may_add(kind, role) is (role in ADD[kind])
    assert permissions.may_rename(kind, role) is (role in RENAME[kind])
    assert permissions.may_pin(kind, role) is (role in PIN[kind])
    assert permissions.may_change_roles(kind, role) is (role in CHANGE_ROLES[kind])
    assert permissions.may_delete_conversation(kind, role) is (role in DELETE_ALL[kind])
    assert permissions.may_delete_message(kind, role, own=False) is (role in DELETE_OTHERS[kind])


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_everybody_may_take_back_their_own_words(kind: Kind, role: Role) -> None:
    assert permissions.may_delete_message(kind, role, own=True)


@pytest.mark.parametrize("kind", Kind)
def test_everybody_may_leave_but_a_direct_conversation(kind: Kind) -> None:
    assert permissions.may_leave(kind) is (kind != Kind.DIRECT)


@pytest.mark.parametrize(("kind", "role", "target"), list(product(Kind, ROLES, ROLES)))
def test_an_owner_removes_anybody_and_an_admin_plain_members(kind: Kind, role: Role, target: Role) -> None:
    assert permissions.may_remove(kind, role, target) is (kind != Kind.DIRECT and target in REMOVE[role])


@pytest.mark.parametrize(("role", "new", "owners"), list(product(ROLES, (*ROLES, None), (1, 2))))
def test_only_the_last_owner_going_leaves_none(role: Role, new: Role | None, owners: int) -> None:
    assert permissions.leaves_no_owner(role, new, owners) is (role == OWNER and new != OWNER and owners == 1)


def test_words_from_the_database_count_like_the_enum() -> None:
    assert permissions.may_add("group", "member")
    assert not permissions.may_add("direct", "owner")
