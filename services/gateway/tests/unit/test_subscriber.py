from __future__ import annotations

from typing import Any

import pytest

from chatire_shared.contracts import envelopes
from gateway_service.realtime.subscriber import Garbage, dispatch

CONVERSATION = "0190a1b2-0000-7000-8000-000000000001"
ADA = "0190a1b2-0000-7000-8000-00000000ada0"
EPOCH = "0190a1b2-0000-7000-8000-00000000e000"


class Ear:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *told: self.heard.append((name, *told))


def _heard(message: dict[str, Any]) -> list[Any]:
    ear = Ear()
    dispatch(message, ear)
    return ear.heard


def _event(**changes: Any) -> dict[str, Any]:
    fields = {
        "kind": "message.created",
        "conversation": CONVERSATION,
        "seq": 7,
        "epoch": EPOCH,
        "at_us": 5,
        "body": b"{}",
    }
    return envelopes.event(**fields) | changes


def test_each_envelope_of_the_contract_is_understood() -> None:
    joined = envelopes.joined(
        user=ADA,
        conversation=CONVERSATION,
        seq=3,
        visible_from_seq=1,
        conversation_kind="group",
        epoch=EPOCH,
        membership_version=2,
    )
    left = envelopes.left(user=ADA, conversation=CONVERSATION, seq=9, membership_version=3)
    names = [
        _heard(_event())[0][0],
        _heard(joined)[0][0],
        _heard(left)[0][1].joined,
        _heard(envelopes.read(user=ADA, conversation=CONVERSATION, seq=5, origin=None))[0],
        _heard(envelopes.typing(conversation=CONVERSATION, user=ADA, state="started", connection="c"))[0],
        _heard(envelopes.tick(relay="r", n=1, heads=[[CONVERSATION, 7]], members=[[ADA, 2]]))[0],
        _heard(envelopes.auth_changed(latest=3))[0],
    ]
    assert names == [
        "on_event",
        "on_note",
        False,
        ("on_read", ADA, CONVERSATION, 5, None),
        ("on_typing", CONVERSATION, ADA, "started"),
        ("on_tick", {CONVERSATION: 7}, [(ADA, 2)]),
        ("on_auth_changed",),
    ]


def test_unknown_types_and_fields_are_passed_over() -> None:
    assert _heard({"type": "chatire.later", "v": 9}) == []
    assert len(_heard(_event(surprise=1, v=2))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"conversation": "../../x"},
        {"conversation": 5},
        {"conversation": None},
        {"seq": "7"},
        {"seq": -1},
        {"seq": 2**70},
        {"seq": True},
        {"epoch": ""},
        {"body": b""},
        {"body": None, "kind": "member.removed"},
        {"kind": "member.removed", "body": b"not json"},
        {"kind": "member.removed", "body": b'{"data":{"user_id":5}}'},
        {"at_us": "x"},
    ],
)
def test_forged_events_are_garbage_and_nothing_worse(changes: dict[str, Any]) -> None:
    with pytest.raises(Garbage):
        _heard(_event(**changes))


@pytest.mark.parametrize("kind", [envelopes.EVENT, envelopes.MEMBER, envelopes.READ, envelopes.TYPING, envelopes.TICK])
def test_a_message_without_its_fields_is_garbage(kind: str) -> None:
    message = {"type": kind, "kind": "joined"}
    with pytest.raises(Garbage):
        _heard(message)


def test_a_tick_with_anything_but_pairs_is_garbage() -> None:
    for heads in ([[CONVERSATION]], [5], [[CONVERSATION, 1, 2]], [["x", 1]]):
        with pytest.raises(Garbage):
            _heard(envelopes.tick(relay="r", n=1, heads=heads, members=[]))
