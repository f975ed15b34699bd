"""Our copy of auth's accounts, the following of its feed, and what happens while something is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from api_client import Someone, call
from django.db import connections
from django.test import Client

from chatire_shared.contracts.errors import Unavailable
from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.servers import free_port
from messages_service import following, identity
from messages_service.following import PeopleFollower, read_changes
from messages_service.people.models import FeedCursor, Person
from messages_service.people.services.changes import catch_up
from messages_service.people.services.directory import Account, find_active, store_accounts
from messages_service.requests import fetch_users

pytestmark = pytest.mark.django_db


def row(someone: Any) -> tuple[str, str, bool, int]:
    person = Person.objects.get(id=getattr(someone, "id", someone))
    return person.username, person.display_name, person.active, person.change_id


def account(user_id: Any, name: str, change_id: int, *, active: bool = True) -> Account:
    return Account(user_id, name, name.title(), active, change_id)


def change(auth: FakeAuth, user_id: Any, name: str, kind: str = "user.updated", *, active: bool = True) -> int:
    data = {"user_id": str(user_id), "username": name, "display_name": name.title(), "active": active, "role": "member"}
    return auth.change(kind, **data)


def failed_checks() -> list[str]:
    """What keeps this process from being ready; for the launcher, so not in the public form of errors."""
    answer = Client().get("/readyz")
    failed: list[str] = answer.json()["failed"]
    assert answer.status_code == (503 if failed else 200)
    return failed


def test_changes_are_applied_in_order_and_the_cursor_moves(auth: FakeAuth) -> None:
    ada, grace = uuid4(), uuid4()
    change(auth, ada, "ada", "user.created")
    change(auth, grace, "grace", "user.created")
    change(auth, ada, "countess")
    change(auth, grace, "grace", "user.disabled", active=False)
    assert catch_up(read_page=read_changes) == 4
    assert (row(ada), row(grace)) == (("countess", "Countess", True, 3), ("grace", "Grace", False, 4))
    assert FeedCursor.objects.get().position == 4


def test_reading_again_changes_nothing_and_goes_on_from_the_cursor(auth: FakeAuth) -> None:
    ada = uuid4()
    change(auth, ada, "ada", "user.created")
    catch_up(read_page=read_changes)
    assert catch_up(read_page=read_changes) == 0
    change(auth, ada, "countess")
    assert catch_up(read_page=read_changes) == 1
    assert row(ada) == ("countess", "Countess", True, 2)


def test_the_feed_from_the_beginning_once_more_changes_nothing(auth: FakeAuth) -> None:
    ada = uuid4()
    for name in ("ada", "countess"):
        change(auth, ada, name)
    catch_up(read_page=read_changes)
    FeedCursor.objects.update(position=0)
    assert catch_up(read_page=read_changes) == 2
    assert row(ada) == ("countess", "Countess", True, 2)
    assert FeedCursor.objects.get().position == 2


def test_a_cursor_never_goes_back(auth: FakeAuth) -> None:
    """As another process does that has read a page before us, and applies it after us."""
    ada = uuid4()
    for name in ("ada", "countess"):
        change(auth, ada, name)
    pages = iter([auth.changes[:1], []])
    FeedCursor.objects.create(position=2)
    store_accounts(accounts=[account(ada, "countess", 2)])
    catch_up(read_page=lambda _: {"changes": next(pages)})
    assert row(ada) == ("countess", "Countess", True, 2)
    assert FeedCursor.objects.get().position == 2


def test_many_pages_are_read_to_the_end(auth: FakeAuth) -> None:
    ada = uuid4()
    for n in range(1_203):
        change(auth, ada, f"ada-{n}")
    assert catch_up(read_page=read_changes) == 1_203
    assert row(ada)[0] == "ada-1202"


def test_kinds_that_say_nothing_about_people_only_advance_the_cursor(auth: FakeAuth) -> None:
    auth.change("session.revoked", user_id=str(uuid4()), session_id=str(uuid4()))
    auth.change("keys.rotated", kids=["a"])
    auth.change("moon.landed")
    assert catch_up(read_page=read_changes) == 3
    assert (Person.objects.count(), FeedCursor.objects.get().position) == (0, 3)


def test_while_auth_is_away_the_cursor_stays(auth: FakeAuth) -> None:
    change(auth, uuid4(), "ada")
    auth.away = True
    with pytest.raises(Unavailable):
        catch_up(read_page=read_changes)
    auth.away = False
    assert catch_up(read_page=read_changes) == 1


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_accounts_end_as_the_newest_change_says_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    ada = uuid4()
    for change_id in order:
        store_accounts(accounts=[account(ada, f"ada-{change_id}", change_id, active=change_id != 3)])
    assert row(ada) == ("ada-3", "Ada-3", False, 3)
    other = uuid4()
    store_accounts(accounts=[account(other, f"ada-{change_id}", change_id) for change_id in order])
    assert row(other)[0] == "ada-3"


def test_a_renewal_leaves_the_membership_version_alone(ada: Someone) -> None:
    ada.begin("group")
    store_accounts(accounts=[account(ada.id, "countess", 9)])
    assert Person.objects.get(id=ada.id).membership_version == 1


def test_many_unknown_people_are_asked_for_in_lines_that_auth_takes(auth: FakeAuth) -> None:
    """Who makes a room for people who have just registered is faster than the feed."""
    everybody = [UUID(auth.register(f"user{number}")) for number in range(250)]
    lines: list[int] = []

    def fetch(user_ids: Sequence[UUID]) -> dict[str, Any]:
        lines.append(len(f"GET /internal/users/?ids={quote(','.join(map(str, user_ids)))} HTTP/1.1"))
        return fetch_users(user_ids)

    assert find_active(user_ids=everybody, fetch_users=fetch).keys() == set(everybody)
    assert max(lines) < 4_094


def test_a_token_makes_nobody_known_anew_who_is_known_better(
    auth: FakeAuth, newcomer: Callable[[str], Someone]
) -> None:
    ada = newcomer("ada")
    store_accounts(accounts=[account(ada.id, "countess", 7)])
    ada.get("conversations/")
    assert row(ada) == ("countess", "Countess", True, 7)
    barbara = newcomer("barbara")
    barbara.get("conversations/")
    assert row(barbara) == ("barbara", "Barbara", True, 0)
    change(auth, barbara.id, "babs")
    catch_up(read_page=read_changes)
    assert row(barbara) == ("babs", "Babs", True, 1)


def test_the_follower_goes_on_after_auth_was_away(transactional_db: None, auth: FakeAuth) -> None:
    grace, heard = uuid4(), threading.Event()
    auth.away = True
    change(auth, grace, "grace")
    follower = PeopleFollower()
    original = follower._catch_up

    def watched() -> bool:
        if not (done := original()):
            auth.away = False
        else:
            heard.set()
        return done

    follower._catch_up = watched  # type: ignore[method-assign]
    follower.start()
    try:
        assert heard.wait(20)
        assert row(grace)[0] == "grace"
        heard.clear()
        change(auth, grace, "admiral")
        follower.notice()
        assert heard.wait(20)
        assert row(grace)[0] == "admiral"
    finally:
        follower.stop()


def test_a_process_is_ready_once_it_knows_the_revocations(transactional_db: None, auth: FakeAuth, ada: Someone) -> None:
    auth.change("session.revoked", user_id=str(ada.id), session_id=str(ada.session))
    auth.away = True
    following.start_following()
    try:
        assert failed_checks() == ["changes"]
        auth.away = False
        feed = following._following.feed
        assert feed is not None
        feed.poll_once()
        assert failed_checks() == []
        assert ada.get("conversations/").refusal == (401, "token_revoked")
    finally:
        following.stop_following()


@pytest.fixture
def no_database(db: None, ada: Someone) -> Iterator[None]:
    """Nobody listens where PostgreSQL was."""
    ada.get("conversations/")  # From here on the process knows Ada.
    usual = connections["default"]
    nowhere = usual.copy()
    nowhere.settings_dict["PORT"] = str(free_port())
    connections["default"] = nowhere
    yield
    nowhere.close()
    connections["default"] = usual


def test_while_the_database_is_away_every_answer_is_a_problem_that_says_try_again(
    no_database: None, ada: Someone, gateway: Any, unknown_id: str
) -> None:
    answers = [
        ada.get("conversations/"),
        ada.post("conversations/", {"kind": "group"}),
        ada.get(f"conversations/{unknown_id}/messages/"),
        ada.post(f"conversations/{unknown_id}/messages/", {"client_id": unknown_id, "body": "x"}),
        ada.post(f"conversations/{unknown_id}/read/", {"seq": 1}),
        gateway.call("POST", "/internal/heads/", {"v": 1, "conversations": [unknown_id], "users": []}),
        gateway.call("GET", f"/internal/users/{unknown_id}/memberships/"),
    ]
    for answer in answers:
        assert answer.refusal == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1


def test_while_the_database_is_away_the_process_lives_and_is_not_ready(no_database: None) -> None:
    assert call("GET", "/healthz").status == 200
    assert failed_checks() == ["database"]


def test_nobody_is_let_in_by_mistake_while_the_database_is_away(no_database: None) -> None:
    assert call("GET", "/api/conversations/").refusal == (401, "unauthenticated")
    assert identity.verifier() is identity.verifier()
