"""Conversations in memory, told to Redis as the relay would: what the fake of messages answers from."""

from __future__ import annotations

import contextlib
import html
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from chatire_shared.bus.groups import TICK_GROUP, conversation_group, user_group
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.contracts import envelopes
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.contracts.times import rfc3339, unix_microseconds

JSON = dict[str, Any]


@dataclass
class Log:
    """One conversation.

    Attributes:
        bodies: Its events, as ready-made frames; the first has `seq` 1.
        members: From which `seq` on each member sees it.
        read: Read markers by member.
        sent: `seq` and id of the messages by sender and `client_id`.
    """

    id: str
    epoch: str = field(default_factory=lambda: str(uuid4()))
    bodies: list[str] = field(default_factory=list)
    members: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    sent: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        """The newest event's."""
        return len(self.bodies)


class Conversations:
    """What is true.

    Attributes:
        logs: The conversations by id.
        versions: Everybody's membership version.
        silent: Publishes nothing but ticks: what happens now is lost on its way to the gateways.
        lock: Held by whoever looks or changes something.
    """

    def __init__(self, redis_url: str | None = None) -> None:
        self.logs: dict[str, Log] = {}
        self.versions: dict[str, int] = {}
        self.silent = False
        self.lock = threading.RLock()
        self.publisher = LayerPublisher(redis_url) if redis_url else None
        self._relay, self._ticks = str(uuid4()), 0

    def begin(self, *users: UUID | str) -> str:
        """A group of these people, the first of whom made it; its id."""
        log = Log(str(uuid4()))
        with self.lock:
            self.logs[log.id] = log
            for user in users:
                self.add(log.id, user, by=users[0])
        return log.id

    def add(self, conversation: str, user: UUID | str, by: UUID | str | None = None) -> None:
        """Somebody joins, by themselves or added by somebody, and sees all of it."""
        with self.lock:
            log, name = self.logs[conversation], str(user)
            role = "member" if log.bodies else "owner"
            seq = self._append(
                log, "member.added", str(by or user), {"user_id": name, "username": "somebody", "role": role}
            )
            log.members[name], log.read[name] = 1, seq
            version = self._next_version(name)
            self.publish(
                user_group(name),
                envelopes.joined(
                    user=name,
                    conversation=log.id,
                    seq=seq,
                    visible_from_seq=1,
                    conversation_kind="group",
                    epoch=log.epoch,
                    membership_version=version,
                ),
            )

    def remove(self, conversation: str, user: UUID | str) -> None:
        """Somebody is removed."""
        with self.lock:
            log, name = self.logs[conversation], str(user)
            seq = self._append(log, "member.removed", name, {"user_id": name, "username": "somebody", "role": "member"})
            del log.members[name]
            note = envelopes.left(user=name, conversation=log.id, seq=seq, membership_version=self._next_version(name))
            self.publish(user_group(name), note)

    def say(self, conversation: str, body: str) -> int:
        """Somebody who needs no token says something; its `seq`."""
        with self.lock:
            log = self.logs[conversation]
            sender = {"id": str(UUID(int=1)), "username": "somebody", "display_name": "Somebody"}
            return self.post(log, sender, {"body": body, "client_id": str(uuid4())})[0]

    def tick(self) -> None:
        """What a relay says each second, of all there is."""
        with self.lock:
            self._ticks += 1
            heads = [[log.id, log.last_seq] for log in self.logs.values()]
            members = [[user, version] for user, version in self.versions.items()]
            tick = envelopes.tick(relay=self._relay, n=self._ticks, heads=heads, members=members)
        self._tell(TICK_GROUP, tick)

    def post(self, log: Log, sender: Mapping[str, str], item: Mapping[str, Any]) -> tuple[int, str]:
        """`sender` says the `body` of `item` under its `client_id`; `seq` and id of the message."""
        seq, message_id = log.last_seq + 1, str(uuid4())
        message = {
            "id": message_id,
            "conversation": log.id,
            "seq": seq,
            "client_id": item["client_id"],
            "sender": sender,
            "body": item["body"],
            "html": f"<p>{html.escape(item['body'])}</p>",
            "reply_to": item.get("reply_to"),
            "attachments": [],
            "reactions": [],
            "mentions": [],
            "pinned": False,
            "created_at": rfc3339(datetime.now(UTC)),
            "edited_at": None,
            "deleted_at": None,
        }
        log.sent[sender["id"], item["client_id"]] = seq, message_id
        self._append(log, "message.created", sender["id"], message, item.get("request_id"))
        if sender["id"] in log.read:
            log.read[sender["id"]] = seq
        return seq, message_id

    def _append(self, log: Log, kind: str, actor: str, data: JSON, request_id: str | None = None) -> int:
        now, seq = datetime.now(UTC), log.last_seq + 1
        event = {"type": "event", "conversation": log.id, "seq": seq, "kind": kind, "at": rfc3339(now), "actor": actor}
        log.bodies.append(dumps(event | {"request_id": request_id, "data": data}))
        message = envelopes.event(
            kind=kind,
            conversation=log.id,
            seq=seq,
            epoch=log.epoch,
            at_us=unix_microseconds(now),
            body=log.bodies[-1].encode(),
        )
        self.publish(conversation_group(log.id), message)
        return seq

    def _next_version(self, user: str) -> int:
        self.versions[user] = self.versions.get(user, 0) + 1
        return self.versions[user]

    def publish(self, group: str, message: JSON) -> None:
        """Say it, unless silent."""
        if not self.silent:
            self._tell(group, message)

    def _tell(self, group: str, message: JSON) -> None:
        """Like a relay that never tries again: what Redis doesn't take is lost."""
        if self.publisher is not None:
            with contextlib.suppress(BusUnavailable):
                self.publisher.publish_many([(group, message)])
