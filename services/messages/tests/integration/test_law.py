"""The law: a snapshot and the events after it make the later snapshot, whatever people do."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from api_client import JSON, Someone
from gateway_client import Gateway

from chatire_shared.testing.event_law import ConversationState, LogGap, apply_event, apply_events, folded_kinds
from messages_service.conversations.rules.kinds import EventKind

DEEDS = 60
NOT_BUILT_YET = {"reaction.added", "reaction.removed", "message.pinned", "message.unpinned"}


def snapshot(someone: Someone, conversation: JSON) -> ConversationState:
    """What a client fetches by HTTP when it knows nothing yet."""
    path = f"conversations/{conversation['id']}/"
    overview = someone.sees(conversation)
    members = someone.get(f"{path}members/").json["members"]
    assert overview["member_count"] == len(members)
    return ConversationState(
        seq=overview["last_seq"],
        fields={name: overview[name] for name in ("title", "topic")},
        roles={member["user"]["id"]: member["role"] for member in members},
        messages={message["id"]: message for message in someone.history(conversation, "limit=200")},
    )


class Company:
    """People who do things to one conversation, chosen by a seeded die."""

    def __init__(self, seed: int, owner: Someone, others: list[Someone]) -> None:
        self.die = random.Random(seed)
        self.owner, self.others = owner, others
        self.conversation = owner.begin("group", *others[:1], title="Engines", topic="steam")
        self.path = f"conversations/{self.conversation['id']}/"
        self.posted: list[JSON] = []
        self.deeds: list[Callable[[], Any]] = [
            *[self.post] * 4,
            *[self.edit] * 2,
            *(self.take_back, self.rename, self.add, self.add, self.remove, self.promote, self.repeat, self.read),
        ]

    def script(self) -> list[Callable[[], Any]]:
        """Every kind of deed once, so that each kind of event is in every script, then by the die."""
        grace = self.others[0]
        once: list[Callable[[], Any]] = [
            lambda: self.owner.make(self.conversation, grace, "admin"),
            lambda: self.owner.patch(self.path, {"title": "Looms"}),
            lambda: self.posted.append(self.owner.say(self.conversation, "first")),
            lambda: self.owner.patch(f"messages/{self.posted[0]['id']}/", {"body": "second"}),
            lambda: self.owner.delete(f"messages/{self.posted[0]['id']}/"),
            lambda: self.owner.remove(self.conversation, grace),
        ]
        return once + [self.die.choice(self.deeds) for _ in range(DEEDS - len(once))]

    def post(self) -> None:
        body = {"client_id": str(self.die_uuid()), "body": self.die.choice(["hi", "**bold**", "😀", "<b>", "a\nb"])}
        if self.posted and self.die.random() < 0.3:
            body["reply_to"] = self.die.choice(self.posted)["id"]
        answer = self.die.choice([self.owner, *self.others]).post(f"{self.path}messages/", body)
        if answer.status == 201:
            self.posted.append(answer.json)

    def repeat(self) -> None:
        if self.posted:
            first = self.die.choice(self.posted)
            self.owner.post(f"{self.path}messages/", {"client_id": first["client_id"], "body": "again"})

    def edit(self) -> None:
        self.to_some_message("PATCH", {"body": self.die.choice(["hi", "better", "*best*"])})

    def take_back(self) -> None:
        self.to_some_message("DELETE", None)

    def to_some_message(self, method: str, body: JSON | None) -> None:
        if self.posted:
            message = self.die.choice(self.posted)
            author = next(s for s in (self.owner, *self.others) if str(s.id) == message["sender"]["id"])
            author.call(method, f"messages/{message['id']}/", body)

    def rename(self) -> None:
        changes = {"title": self.die.choice(["Engines", "Looms", ""]), "topic": self.die.choice(["steam", ""])}
        self.owner.patch(self.path, {name: changes[name] for name in self.die.sample(["title", "topic"], 1)})

    def add(self) -> None:
        self.owner.add(self.conversation, self.die.choice(self.others))

    def remove(self) -> None:
        self.owner.remove(self.conversation, self.die.choice(self.others))

    def promote(self) -> None:
        self.owner.make(self.conversation, self.die.choice(self.others), self.die.choice(["owner", "admin", "member"]))

    def read(self) -> None:
        self.owner.post(f"{self.path}read/", {"seq": self.die.randrange(50)})

    def die_uuid(self) -> UUID:
        return UUID(int=self.die.getrandbits(128))


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_and_the_events_after_it_make_every_later_snapshot(
    seed: int, ada: Someone, grace: Someone, linus: Someone, gateway: Gateway
) -> None:
    company = Company(seed, ada, [grace, linus])
    conversation = company.conversation
    snapshots = [snapshot(ada, conversation)]
    for deed in company.script():
        deed()
        before, after = snapshots[-1], snapshot(ada, conversation)
        assert apply_events(before, ada.log(conversation, after=before.seq)) == after
        snapshots.append(after)
    events = ada.log(conversation)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for early in snapshots:  # The log is read at the end: what was deleted since is gone from it, and it still fits.
        assert apply_events(early, events) == snapshots[-1]
    beginning = ConversationState(fields={"title": "Engines", "topic": "steam"})
    assert apply_events(beginning, events) == snapshots[-1]

    assert ada.delete(company.path).status == 204
    (answer,) = gateway.ask(
        "/internal/events/ranges/", {"ranges": [{"conversation": conversation["id"], "after": len(events), "limit": 9}]}
    )["ranges"]
    end = apply_events(snapshots[-1], [json.loads(body) for body in answer["bodies"]])
    assert (end.deleted, end.roles, end.seq) == (True, {}, len(events) + 1)
    assert {event["kind"] for event in events} | {"conversation.deleted"} == folded_kinds()


def test_no_kind_is_left_out_of_the_law() -> None:
    assert folded_kinds() | NOT_BUILT_YET == {kind.value for kind in EventKind}


def test_what_comes_twice_changes_nothing_and_a_gap_is_noticed(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    message = ada.say(group, "one")
    ada.patch(f"messages/{message['id']}/", {"body": "two"})
    events = ada.log(group)
    state = apply_events(ConversationState(), events)
    assert apply_events(state, events) == state
    with pytest.raises(LogGap):
        apply_event(ConversationState(), events[1])


def test_an_unknown_kind_only_advances() -> None:
    state = ConversationState(seq=4, roles={"ada": "owner"})
    after = apply_event(state, {"seq": 5, "kind": "poll.opened", "data": {"question": "?"}})
    assert (after.seq, after.roles, after.messages) == (5, state.roles, {})
