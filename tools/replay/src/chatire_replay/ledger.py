"""The books of one channel: what was sent, acknowledged, stored, seen by each watcher. Pure, and unforgiving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chatire_client import Ack, Event

MESSAGE_CREATED = "message.created"


@dataclass(slots=True)
class Entry:
    """One message from its first sending on. Times are of one monotonic clock, in seconds."""

    client_id: str
    author: str
    line: int
    body: str
    sent_at: float
    ack: Ack | None = None
    acked_at: float = 0.0
    stored: bool = False


@dataclass(slots=True)
class Faults:
    """What went wrong, with the first few cases in words."""

    missing: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    changed: int = 0
    refused: int = 0
    foreign: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, what: str, example: str) -> None:
        """Count one more of `what` (a field's name)."""
        setattr(self, what, getattr(self, what) + 1)
        if len(self.examples) < 20:
            self.examples.append(f"{what.replace('_', ' ')}: {example}")

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.duplicated + self.out_of_order + self.changed + self.refused + self.foreign


class Ledger:
    """One channel's messages by `client_id`."""

    def __init__(self, title: str, conversation: str, user_ids: dict[str, str]) -> None:
        """Keep the books of `conversation`; `user_ids` are those of the authors, by username."""
        self.title = title
        self.conversation = conversation
        self.user_ids = user_ids
        self.entries: dict[str, Entry] = {}
        self.faults = Faults()
        self.stored = 0

    def sent(self, entry: Entry) -> None:
        """A message goes out for the first time."""
        self.entries[entry.client_id] = entry

    def acked(self, ack: Ack, at: float) -> None:
        """Its `ack` has come."""
        entry = self.entries[ack.id]
        entry.ack, entry.acked_at = ack, at

    def refused(self, client_id: str, why: str) -> None:
        """The server will not take it."""
        self.faults.note("refused", f"{self.title}, line {self.entries[client_id].line}: {why}")

    @property
    def acks(self) -> int:
        """How many messages are acknowledged."""
        return sum(entry.ack is not None for entry in self.entries.values())

    def differences(self, message: dict[str, Any], faults: Faults, where: str) -> Entry | None:
        """Compare a message that came from the server with what was sent; None when nobody here sent it."""
        entry = self.entries.get(message["client_id"])
        if entry is None:
            faults.note("foreign", f"{where} has message {message['id']}, which nobody sent")
            return None
        told = (entry.body.encode(), self.user_ids[entry.author])
        if ((message["body"] or "").encode(), message["sender"]["id"]) != told:
            faults.note("changed", f"{where}, line {entry.line}: {entry.body!r} became {message['body']!r}")
        if entry.ack and (message["seq"], message["id"]) != (entry.ack.seq, entry.ack.message_id):
            faults.note(
                "out_of_order", f"{where}, line {entry.line}: acked as {entry.ack.seq}, came as {message['seq']}"
            )
        return entry

    def check_stored(self, history: list[dict[str, Any]]) -> None:
        """Hold the whole history, oldest first, against what was sent and acknowledged."""
        where = f"the history of {self.title}"
        latest_line: dict[str, int] = {}
        previous_seq = 0
        for message in history:
            if message["seq"] <= previous_seq:
                self.faults.note("out_of_order", f"{where}: seq {message['seq']} after {previous_seq}")
            previous_seq = message["seq"]
            self._check_one_stored(message, where, latest_line)
        for entry in self.entries.values():
            if entry.ack and not entry.stored:
                self.faults.note("missing", f"{where} lacks line {entry.line}, acked as {entry.ack.seq}")

    def _check_one_stored(self, message: dict[str, Any], where: str, latest_line: dict[str, int]) -> None:
        entry = self.differences(message, self.faults, where)
        if entry is None:
            return
        if entry.stored:
            self.faults.note("duplicated", f"{where} has line {entry.line} twice")
            return
        entry.stored = True
        self.stored += 1
        if entry.line < latest_line.get(entry.author, 0):
            self.faults.note(
                "out_of_order", f"{where}: line {entry.line} of {entry.author} after a later one of theirs"
            )
        latest_line[entry.author] = entry.line


class Sight:
    """What one watcher has seen of one channel."""

    def __init__(self, ledger: Ledger, faults: Faults, begins_at: int) -> None:
        """Expect events from `begins_at` + 1 on; `faults` are the watcher's."""
        self.ledger = ledger
        self.latest = begins_at
        self.seen: set[str] = set()
        self._faults = faults
        self._seqs: set[int] = set()
        self._held: list[Event] | None = None

    def see(self, event: Event) -> Entry | None:
        """Take the next event; the entry when it is a message that was sent here."""
        if self._held is not None:
            self._held.append(event)
            return None
        if not self._in_order(event) or event.kind != MESSAGE_CREATED:
            return None
        where = f"{self.ledger.title}, event {event.seq}"
        entry = self.ledger.differences(event.data, self._faults, where)
        if entry is None:
            return None
        if entry.client_id in self.seen:
            self._faults.note("duplicated", f"{where}: line {entry.line} was there before")
        self.seen.add(entry.client_id)
        return entry

    def _in_order(self, event: Event) -> bool:
        where = f"{self.ledger.title}, event {event.seq}"
        if event.seq in self._seqs:
            self._faults.note("duplicated", f"{where} came twice")
            return False
        self._seqs.add(event.seq)
        if event.seq != self.latest + 1:
            self._faults.note("out_of_order", f"{where} after {self.latest}")
        self.latest = max(self.latest, event.seq)
        return True

    def hold(self) -> int:
        """Put aside what comes, until `heal`; where the hole begins."""
        self._held = self._held or []
        return self.latest

    def heal(self, fetched: list[Event]) -> None:
        """Take what was fetched over HTTP, then what was put aside meanwhile."""
        held, self._held = self._held or [], None
        for event in [*fetched, *held]:
            self.see(event)

    def settle(self) -> None:
        """At the end: what was acknowledged and never seen is missing."""
        for entry in self.ledger.entries.values():
            if entry.ack and entry.client_id not in self.seen:
                self._faults.note(
                    "missing", f"{self.ledger.title}, line {entry.line}, acked as {entry.ack.seq}, was never seen"
                )
