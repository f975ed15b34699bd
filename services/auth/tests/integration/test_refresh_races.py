"""Refresh tokens used by many at once, on the real database (security.md R14 to R16)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest
from threads import at_once

from auth_service.accounts.models import Change, User
from auth_service.accounts.services.creating import NewAccount, create_accounts
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.activation import disable_account
from auth_service.tokens.services.passwords import change_password
from auth_service.tokens.services.refreshing import rotate_refresh_token
from auth_service.tokens.services.sessions import Grant, Origin, open_session
from chatire_shared.contracts.errors import ChatireError, InvalidCredentials, TokenReused, TokenRevoked

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Origin("test", "127.0.0.1")
THREADS = 16


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def linus() -> User:
    return create_accounts(accounts=[NewAccount("linus", "l@example.org", "", "!")], now=_now())[0]


@pytest.fixture
def grant(linus: User) -> Grant:
    return open_session(user=linus, origin=HERE, now=_now())


def _use(text: str) -> str:
    return rotate_refresh_token(text=text, now=_now()).refresh


def test_of_sixteen_at_once_all_get_the_one_successor(grant: Grant) -> None:
    token = grant.refresh
    for generation in range(1, 26):
        results = at_once([partial(_use, token)] * THREADS)

        assert len(set(results)) == 1, results
        assert RefreshSession.objects.get().generation == generation
        (token,) = map(str, set(results))
    assert RefreshSession.objects.get().revoked_at is None


def test_sixteen_at_once_with_a_token_spent_long_ago_end_the_session_once(linus: User) -> None:
    for _ in range(10):
        grant = open_session(user=linus, origin=HERE, now=_now())
        newest = _use(_use(grant.refresh))
        before = Change.objects.count()
        results = at_once([partial(_use, grant.refresh)] * (THREADS - 1) + [partial(_use, newest)])

        assert {type(result) for result in results[:-1]} == {TokenReused}
        # The holder of the newest token was before the thief or after; dead is the session in either case.
        assert isinstance(results[-1], str | TokenRevoked)
        assert RefreshSession.objects.get(id=grant.session.id).revoked_at is not None
        assert Change.objects.count() == before + 1


def test_two_tabs_that_share_a_cookie_never_sign_each_other_out(linus: User) -> None:
    random = Random(7)
    for _ in range(25):
        jar = [open_session(user=linus, origin=HERE, now=_now()).refresh]
        turn = threading.Barrier(2)

        def tab(jar: list[str], turn: threading.Barrier, lost: list[bool]) -> None:
            for answer_is_lost in lost:
                turn.wait(20)
                sent = jar[0]
                turn.wait(20)
                answer = _use(sent)
                if not answer_is_lost:
                    jar[0] = answer
            turn.wait(20)

        deeds = [partial(tab, jar, turn, [random.random() < 0.3 for _ in range(6)]) for _ in range(2)]
        assert at_once(deeds) == [None, None]
        _use(jar[0])
    assert not RefreshSession.objects.exclude(revoked_at=None).exists()


def test_no_session_survives_a_disabling_that_it_raced_with(linus: User) -> None:
    for _ in range(10):
        User.objects.update(is_active=True)
        linus.refresh_from_db()
        grants = [open_session(user=linus, origin=HERE, now=_now()) for _ in range(4)]
        deeds = [partial(open_session, user=linus, origin=HERE, now=_now()) for _ in range(4)]
        deeds += [partial(rotate_refresh_token, text=grant.refresh, now=_now()) for grant in grants]
        results = at_once([*deeds, partial(disable_account, username="linus", now=_now())])

        unexpected = [each for each in results if isinstance(each, Exception) and not isinstance(each, ChatireError)]
        assert not unexpected
        assert not RefreshSession.objects.filter(revoked_at=None).exists()
        told = {entry.data["session_id"] for entry in Change.objects.filter(kind="session.revoked")}
        assert told == {str(session.id) for session in RefreshSession.objects.all()}


def test_a_sign_in_with_the_old_password_cannot_slip_past_its_change(linus: User) -> None:
    for round_ in range(5):
        old, new = f"an old password {round_}", f"an old password {round_ + 1}"
        if round_ == 0:
            linus.set_password(old)
            linus.save()
        keeper = open_session(user=linus, origin=HERE, now=_now())
        fresh = User.objects.get()
        signs_in: Iterator[partial[Grant]] = (
            partial(open_session, user=fresh, origin=HERE, now=_now()) for _ in range(6)
        )
        changes = partial(
            change_password, user=User.objects.get(), session_id=keeper.session.id, old=old, new=new, now=_now()
        )
        results = at_once([*signs_in, changes])

        assert results[-1] is None
        assert {type(result) for result in results[:-1]} <= {Grant, InvalidCredentials}
        live = RefreshSession.objects.filter(revoked_at=None).values_list("id", flat=True)
        assert list(live) == [keeper.session.id]
        linus.refresh_from_db()
        RefreshSession.objects.all().delete()
