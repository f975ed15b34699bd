"""What really happened: conversations with their logs and members, as the messages service would hold them.

Everything a gateway may be told is made from it, so a test can compare what clients saw with what there was.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from gateway_service.realtime.people import Membership, Memberships, Note, memberships_from_answer
from gateway_service.realtime.ring import Entry, entry_from_envelope

_SPACE = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")


def id_of(name: str) -> str:
    """A fixed id for a name: `ada`, `lobby`."""
    return str(uuid5(_SPACE, name))


@dataclass
class Stay:
    """One membership: from the event that began it to the one that ended it."""

    visible_from: int
    began: int
    ended: int | None = None


@dataclass
class Log:
    """One conversation; `troubled`: restored, or lied about on the bus, so that a client may be told to fetch anew."""

    id: str
    epoch: str
    since_joined: bool = False
    bodies: list[str] = field(default_factory=list)
    stays: dict[str, list[Stay]] = field(default_factory=dict)
    kept_from: int = 1
    deleted: bool = False
    troubled: bool = False
    stays_by_body: dict[str, list[dict[str, list[Stay]]]] = field(default_factory=dict)
    epochs_by_body: dict[str, set[str]] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        return len(self.bodies)

    def stay(self, user: str) -> Stay | None:
        """The membership that `user` has now."""
        stays = self.stays.get(user, [])
        return stays[-1] if stays and stays[-1].ended is None and not self.deleted else None

    def may_have_seen(self, user: str, body: str, seq: int) -> bool:
        """Whether the event was ever, or is now, visible to `user`, in the log of any epoch that has it."""
        stays = [stay for epoch in self.stays_by_body[body] for stay in epoch.get(user, [])]
        return any(stay.visible_from <= seq and (stay.ended is None or seq <= stay.ended) for stay in stays)


Published = tuple[str, Any]
"""`event` with (conversation, epoch, entry), or `note` with a Note."""


class Truth:
    """All conversations and people."""

    def __init__(self) -> None:
        self.logs: dict[str, Log] = {}
        self.versions: dict[str, int] = {}
        self._made = 0

    def create(self, name: str, members: list[str], *, since_joined: bool = False) -> list[Published]:
        """A new conversation: one `member.added` for each member."""
        log = Log(id_of(name), id_of(f"{name}/0"), since_joined)
        self.logs[log.id] = log
        return [message for user in members for message in self.add(log.id, user)]

    def post(self, conversation: str, user: str, *, padding: int = 0) -> list[Published]:
        """A message."""
        self._made += 1
        data = {"body": f"text {self._made} " + "x" * padding}
        return [self._append(self.logs[conversation], "message.created", user, data)]

    def add(self, conversation: str, user: str) -> list[Published]:
        """Somebody becomes a member."""
        log = self.logs[conversation]
        event = self._append(log, "member.added", user, {"user_id": user})
        visible = log.last_seq if log.since_joined else 1
        log.stays.setdefault(user, []).append(Stay(visible, log.last_seq))
        version = self._bump(user)
        note = Note(
            joined=True,
            user=user,
            conversation=conversation,
            seq=log.last_seq,
            version=version,
            visible_from_seq=visible,
            epoch=log.epoch,
        )
        return [event, ("note", note)]

    def remove(self, conversation: str, user: str) -> list[Published]:
        """Somebody is removed."""
        log = self.logs[conversation]
        stay = log.stay(user)
        assert stay is not None
        event = self._append(log, "member.removed", user, {"user_id": user})
        stay.ended = log.last_seq
        return [event, ("note", self._left(log, user))]

    def delete(self, conversation: str) -> list[Published]:
        """A conversation ends."""
        log = self.logs[conversation]
        members = [user for user in log.stays if log.stay(user)]
        event = self._append(log, "conversation.deleted", members[0], {})
        for user in members:
            log.stays[user][-1].ended = log.last_seq
        log.deleted = True
        return [event, *(("note", self._left(log, user)) for user in members)]

    def restore(self, conversation: str, to_seq: int) -> None:
        """The database comes back from a backup: a shorter log of another epoch. Only messages are lost here."""
        log = self.logs[conversation]
        floor = max([stay.ended or stay.began for stays in log.stays.values() for stay in stays], default=0)
        del log.bodies[max(to_seq, floor) :]
        log.stays = deepcopy(log.stays)
        self._made += 1
        log.epoch = id_of(f"{conversation}/{self._made}")
        for body in log.bodies:
            log.stays_by_body[body].append(log.stays)
            log.epochs_by_body[body].add(log.epoch)
        log.troubled = True

    # As the messages service answers

    def memberships_answer(self, user: str) -> dict[str, Any]:
        """`GET /internal/users/{id}/memberships/`."""
        return {
            "v": 1,
            "user": user,
            "membership_version": self.versions.get(user, 0),
            "conversations": [self._membership(log, stay) for log in self.logs.values() if (stay := log.stay(user))],
        }

    def memberships(self, user: str) -> Memberships:
        """The same, read."""
        return memberships_from_answer(user, self.memberships_answer(user))

    def range_answer(self, conversation: str, after: int, limit: int) -> dict[str, Any]:
        """One part of `POST /internal/events/ranges/`."""
        log = self.logs.get(conversation)
        if log is None or log.deleted:
            return {"conversation": conversation, "epoch": None, "last_seq": 0, "expired": False, "bodies": []}
        expired = after + 1 < log.kept_from
        bodies = [] if expired else log.bodies[after : after + limit]
        return {
            "conversation": conversation,
            "epoch": log.epoch,
            "last_seq": log.last_seq,
            "expired": expired,
            "bodies": bodies,
        }

    def heads(self, conversations: list[str]) -> dict[str, tuple[str, int]]:
        """`POST /internal/heads/`: epoch and newest seq."""
        known = [self.logs[name] for name in conversations if name in self.logs and not self.logs[name].deleted]
        return {log.id: (log.epoch, log.last_seq) for log in known}

    def _membership(self, log: Log, stay: Stay) -> dict[str, Any]:
        return {
            "id": log.id,
            "kind": "group",
            "epoch": log.epoch,
            "visible_from_seq": stay.visible_from,
            "last_seq": log.last_seq,
            "read_seq": 0,
        }

    def _left(self, log: Log, user: str) -> Note:
        return Note(joined=False, user=user, conversation=log.id, seq=log.last_seq, version=self._bump(user))

    def _bump(self, user: str) -> int:
        self.versions[user] = self.versions.get(user, 0) + 1
        return self.versions[user]

    def _append(self, log: Log, kind: str, actor: str, data: dict[str, Any]) -> Published:
        event = {
            "type": "event",
            "conversation": log.id,
            "seq": log.last_seq + 1,
            "kind": kind,
            "at": "2026-11-23T09:30:00.000000Z",
            "actor": actor,
            "request_id": None,
            "data": data,
        }
        body = json.dumps(event)
        log.bodies.append(body)
        log.stays_by_body.setdefault(body, []).append(log.stays)
        log.epochs_by_body.setdefault(body, set()).add(log.epoch)
        entry = entry_from_envelope(kind=kind, seq=log.last_seq, body=body.encode(), at_us=1)
        assert entry is not None
        return "event", (log.id, log.epoch, entry)


__all__ = ["Entry", "Log", "Membership", "Published", "Stay", "Truth", "id_of"]
