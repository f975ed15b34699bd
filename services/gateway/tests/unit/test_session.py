from __future__ import annotations

from uuid import uuid4

import pytest

from chatire_shared.contracts import close_codes
from chatire_shared.identity.principal import Principal
from gateway_service.realtime import protocol
from gateway_service.realtime.session import Admission, Close, Phase, Session


def _ada(expires_at: int = 2_000) -> Principal:
    return Principal(uuid4(), uuid4(), "ada", "Ada", "member", expires_at)


def _open(now: float = 0.0, expires_at: int = 2_000) -> Session:
    session = Session(now)
    session.admitted(_ada(expires_at), "token")
    session.phase = Phase.OPEN
    return session


def test_auth_is_the_first_frame() -> None:
    wanted = Session(0.0).first_frame(protocol.Auth("t", {"c": 5}, {}))
    assert wanted == Admission("t", {"c": 5}, {})


@pytest.mark.parametrize(
    "frame", [protocol.Ping(1), protocol.Refusal("no"), protocol.Resume({}, {}), protocol.Read("c", 1)]
)
def test_anything_else_before_ready_ends_the_socket(frame: protocol.ClientFrame) -> None:
    assert Session(0.0).first_frame(frame) == Close(close_codes.UNAUTHENTICATED, "auth comes first")


def test_resume_is_the_first_frame_of_an_authorised_handshake() -> None:
    assert Session(0.0, header_token="t").first_frame(protocol.Resume({"c": 1}, {})) == Admission(None, {"c": 1}, {})


def test_a_second_first_frame_while_being_let_in_ends_the_socket() -> None:
    session = Session(0.0)
    session.phase = Phase.ADMITTING
    assert isinstance(session.first_frame(protocol.Auth("t", None, {})), Close)


def test_who_says_nothing_for_ten_seconds_is_sent_away() -> None:
    session = Session(100.0)
    assert session.overdue(109.9, 0) is None
    assert session.overdue(110.0, 0) == Close(close_codes.NO_AUTH_IN_TIME, "no auth in time")


def test_who_is_being_let_in_is_not_late() -> None:
    session = Session(0.0)
    session.phase = Phase.ADMITTING
    assert session.overdue(60.0, 0) is None


def test_two_heartbeats_of_silence_end_an_open_socket() -> None:
    session = _open()
    session.heard(10.0)
    assert session.overdue(59.9, 0) is None
    assert session.overdue(60.0, 0) == Close(close_codes.NO_AUTH_IN_TIME, "silent for too long")


def test_a_socket_does_not_outlive_its_token() -> None:
    session = _open(expires_at=1_000)
    assert session.overdue(1.0, 999.9) is None
    assert session.overdue(1.0, 1_000.0) == Close(close_codes.UNAUTHENTICATED, "token expired")


def test_the_end_of_a_token_is_announced_once_a_minute_before() -> None:
    session = _open(expires_at=1_000)
    assert not session.should_warn(939.9)
    assert session.should_warn(940.0)
    assert not session.should_warn(950.0)
    session.admitted(_ada(2_000), "fresh")
    assert not session.should_warn(1_000.0)
    assert session.should_warn(1_940.0)


def test_the_next_look_is_never_later_than_what_it_must_see() -> None:
    session = _open(now=0.0, expires_at=1_000)
    assert session.next_look(0.0, 900.0) == 40.0  # the announcement, before 50 s of silence
    session.should_warn(940.0)
    assert session.next_look(40.0, 940.0) == 50.0  # the silence, before the end at 100
    session.heard(60.0)
    assert session.next_look(60.0, 960.0) == 100.0


def test_a_hundred_frames_a_second_are_no_flood_and_more_for_ten_seconds_are() -> None:
    calm, wild = _open(), _open()
    assert all(calm.heard(number / 100) is None for number in range(5_000))
    verdicts = [wild.heard(number / 250) for number in range(2_500)]
    assert verdicts[0] is None
    assert Close(close_codes.RATE_LIMITED, "too many frames") in verdicts


def test_without_limits_nothing_is_a_flood() -> None:
    session = Session(0.0, limits=False)
    assert all(session.heard(0.0) is None for _ in range(5_000))


def test_typing_is_passed_on_twice_a_second_in_each_conversation() -> None:
    session = _open()
    assert [session.may_type("c", now) for now in (0.0, 0.1, 0.2, 0.9)] == [True, True, False, False]
    assert session.may_type("d", 0.2)
    assert session.may_type("c", 1.0)


def test_typing_in_very_many_places_takes_bounded_memory() -> None:
    session = _open()
    for number in range(2_000):
        session.may_type(str(number), 0.0)
    assert len(session._typed) <= 256
