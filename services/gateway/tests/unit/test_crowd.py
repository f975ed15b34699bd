from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

from chatire_shared.identity.principal import Principal
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.crowd import (
    HANDSHAKE_BURST,
    HANDSHAKES_PER_SECOND,
    MAX_ARRIVING_BREATHLESS,
    MAX_PER_ADDRESS,
    MAX_PER_USER,
    MAX_RETRY_AFTER_SECONDS,
    Crowd,
)
from gateway_service.realtime.metrics import Shed
from gateway_service.realtime.session import Session

ADA = UUID("0190a1b2-0000-7000-8000-00000000ada0")


def _connection(address: str = "203.0.113.9") -> Connection:
    return Connection(str(uuid4()), address, Session(0.0), None, lambda connection, code: None)  # type: ignore[arg-type]


def _identified(crowd: Crowd, connection: Connection, user: UUID = ADA, session: UUID | None = None) -> bool:
    connection.session.admitted(Principal(user, session or uuid4(), "ada", "Ada", "member", 1), "token")
    return crowd.identify(connection)


def test_the_twenty_first_socket_of_a_user_is_one_too_many() -> None:
    crowd = Crowd(limits=True, now=0.0)
    verdicts = []
    for _ in range(MAX_PER_USER + 1):
        connection = _connection()
        crowd.enter(connection)
        verdicts.append(_identified(crowd, connection))
    assert verdicts == [True] * MAX_PER_USER + [False]


def test_an_address_has_a_limit_too_and_another_address_is_another_matter() -> None:
    crowd = Crowd(limits=True, now=0.0)
    assert all(crowd.enter(_connection()) for _ in range(MAX_PER_ADDRESS))
    assert not crowd.enter(_connection())
    assert crowd.enter(_connection("203.0.113.10"))


def test_who_leaves_makes_room_and_is_forgotten_everywhere() -> None:
    crowd = Crowd(limits=True, now=0.0)
    session = uuid4()
    connection = _connection()
    crowd.enter(connection)
    _identified(crowd, connection, session=session)
    assert crowd.of_user(ADA) == crowd.of_session(session) == [connection]
    crowd.leave(connection)
    crowd.leave(connection)
    assert (len(crowd), crowd.of_user(ADA), crowd.of_session(session), crowd.get(connection.id)) == (0, [], [], None)
    assert not crowd._addresses


def test_a_fresh_token_of_another_session_ties_the_socket_to_both() -> None:
    crowd = Crowd(limits=True, now=0.0)
    first, second = uuid4(), uuid4()
    connection = _connection()
    crowd.enter(connection)
    _identified(crowd, connection, session=first)
    _identified(crowd, connection, session=second)
    assert crowd.of_session(second) == [connection]
    crowd.leave(connection)
    assert crowd.of_session(first) == crowd.of_session(second) == []


def test_a_storm_of_handshakes_is_let_in_little_by_little() -> None:
    crowd = Crowd(limits=True, now=0.0)
    for now, most in ((0.0, HANDSHAKE_BURST), (1.0, HANDSHAKES_PER_SECOND)):
        answers = Counter(crowd.no_room(now) for _ in range(5_000))
        assert answers == {None: most, Shed.HANDSHAKE_RATE: 5_000 - most}


def test_who_is_told_to_come_later_is_told_when_there_is_room() -> None:
    crowd = Crowd(limits=True, now=0.0)
    told = Counter(crowd.retry_after_seconds(0.0) for _ in range(1_000))
    assert set(told) - {7} == {2, 3, 4, 5, 6}
    assert max(told.values()) <= HANDSHAKES_PER_SECOND + 1
    assert crowd.retry_after_seconds(4.0) == 3
    assert crowd.retry_after_seconds(100.0) == 2
    assert max(crowd.retry_after_seconds(100.0) for _ in range(50_000)) == MAX_RETRY_AFTER_SECONDS


def test_a_process_that_is_behind_lets_those_in_who_have_come_before_others() -> None:
    crowd = Crowd(limits=True, now=0.0)
    early = [_connection() for _ in range(MAX_ARRIVING_BREATHLESS)]
    for connection in early:
        crowd.enter(connection)
    assert crowd.no_room(0.0) is None
    crowd.is_breathless = True
    assert crowd.no_room(0.0) is Shed.HANDSHAKE_BEHIND
    crowd.settled(early[0])
    assert crowd.no_room(0.0) is None
    crowd.enter(_connection())
    assert crowd.no_room(0.0) is Shed.HANDSHAKE_BEHIND
    crowd.leave(early[1])
    assert crowd.no_room(0.0) is None


def test_without_limits_everybody_comes_in() -> None:
    crowd = Crowd(limits=False, now=0.0)
    assert all(crowd.no_room(0.0) is None for _ in range(5_000))
    for _ in range(MAX_PER_ADDRESS + 5):
        connection = _connection()
        assert crowd.enter(connection)
        assert _identified(crowd, connection)
