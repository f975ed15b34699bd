"""Holds a history against the promises (I1 to I6 of the reliability plan). Pure: no clock, no network, no database.

I1  every acknowledged message is stored, unaltered, and shown to every member     lost, altered
I2  nothing is stored or shown twice                                               doubled
I3  what is shown comes in the order of `seq`                                      reordered
I4  no `seq` is left out, neither in the store nor on a device                     holes
I5  nothing is shown to somebody who was removed before it                         leaked
I6  what was not acknowledged is absent or there once                              doubled

Beyond these: what took more than 5 s although nothing was broken is `late` (see `lateness`); a send that never got any
answer is `unsettled`, one that was turned away although its sender was never removed is `refused`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from chatire_faults.history import CREATED, DELETED, Change, Device, History, Note, Sent, Stored, StoredEvent, What

BREACHES = ("lost", "doubled", "reordered", "holes", "leaked", "altered", "late", "unsettled", "refused")
MOST_EXAMPLES = 30


Said = dict[tuple[str, int], str]
"""What was acknowledged, by conversation and seq."""


@dataclass(slots=True)
class Verdict:
    """How often each promise was broken, with some examples, and how much was looked at."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    messages_stored: int = 0
    events_shown: int = 0

    @property
    def breaches(self) -> int:
        """All of them; 0 is a pass."""
        return sum(self.counts[name] for name in BREACHES)

    def add(self, breach: str, example: str, times: int = 1) -> None:
        """Note a breach."""
        self.counts[breach] += times
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(f"{breach}: {example}")


def check(history: History) -> Verdict:
    """Look at everything."""
    verdict = Verdict()
    stored = {each.conversation: each for each in history.stored}
    for each in history.stored:
        _check_store(each, verdict)
    _check_sent(history.sent, history.stored, verdict)
    _check_changes(history.changes, stored, verdict)
    said = {(each.conversation, seq): each.body for each in history.sent for seq in each.acks}
    for device in history.devices:
        _check_device(device, stored, said, verdict)
    return verdict


def _check_store(stored: Stored, verdict: Verdict) -> None:
    """I4 and I2 in the database: 1, 2, 3, … up to the head, and each `client_id` of a sender once."""
    seqs = [event.seq for event in stored.events]
    missing = set(range(1, stored.last_seq + 1)) - set(seqs)
    if missing:
        verdict.add("holes", f"{stored.conversation} has no seq {sorted(missing)[:5]} in the store", len(missing))
    for seq, times in Counter(seqs).items():
        if times > 1:
            verdict.add("doubled", f"{stored.conversation} has seq {seq} {times} times in the store", times - 1)
    ids = Counter(
        (event.data["sender"]["id"], event.data["client_id"]) for event in stored.events if event.kind == CREATED
    )
    verdict.messages_stored += len(ids)
    for (_, client_id), times in ids.items():
        if times > 1:
            verdict.add("doubled", f"{client_id} is {times} messages in {stored.conversation}", times - 1)


def _check_sent(sent: list[Sent], stored: list[Stored], verdict: Verdict) -> None:
    """I1 and I6 in the database: what was acknowledged is where the acknowledgement said, as it was sent."""
    kept = {
        (each.conversation, event.data["sender"]["id"], event.data["client_id"]): event
        for each in stored
        for event in reversed(each.events)  # Of two, which _check_store has noted, the first one counts.
        if event.kind == CREATED
    }
    conversations = {each.conversation: each for each in stored}
    for message in sent:
        _check_answer(message, conversations, verdict)
        found = kept.get((message.conversation, message.sender, message.client_id))
        if found is not None:
            _check_kept(message, found, verdict)
        elif message.acks:
            verdict.add("lost", f"{message.client_id} was acknowledged as {message.acks[0]} and is not stored")


def _check_answer(message: Sent, stored: dict[str, Stored], verdict: Verdict) -> None:
    if message.refused is not None and not _was_ever_removed(message, stored):
        verdict.add("refused", f"{message.client_id} of {message.sender}: {message.refused}")
    if not message.acks and message.refused is None:
        verdict.add("unsettled", f"{message.client_id} of {message.sender} was never answered")


def _check_kept(message: Sent, found: StoredEvent, verdict: Verdict) -> None:
    if any(ack != found.seq for ack in message.acks):
        acks = sorted(set(message.acks))
        verdict.add("doubled", f"{message.client_id} is stored as {found.seq}, acknowledged as {acks}")
    if found.data["body"] != message.body and not _is_redacted(found):
        verdict.add("altered", f"{message.client_id} is stored with another body")


def _is_redacted(event: StoredEvent) -> bool:
    """A deleted message has no text any more, in the events before its deletion neither."""
    return event.data.get("body") is None and event.data.get("deleted_at") is not None


def _check_changes(changes: list[Change], stored: dict[str, Stored], verdict: Verdict) -> None:
    """I1 for what was done to messages: an edit or deletion that was answered is in the log."""
    done: set[tuple[str, str, str | None]] = set()
    gone: set[str] = set()
    for each in stored.values():
        for event in each.events:
            done.add((event.kind, str(event.data.get("id")), event.data.get("body")))
            if event.kind == DELETED:
                gone.add(str(event.data.get("id")))
    for change in changes:
        if not change.answered or (change.kind, change.message_id, change.body) in done:
            continue
        if change.kind == DELETED or change.message_id not in gone:
            verdict.add("lost", f"{change.kind} of {change.message_id} was answered and is not in the log")


def _was_ever_removed(message: Sent, stored: dict[str, Stored]) -> bool:
    where = stored.get(message.conversation)
    return where is not None and any(end is not None for _, end in where.spans(message.sender))


def _check_device(device: Device, stored: dict[str, Stored], said: Said, verdict: Verdict) -> None:
    logs: dict[str, list[Note]] = defaultdict(list)
    for note in device.log:
        logs[note.conversation].append(note)
    for conversation, each in stored.items():
        if conversation in logs or each.spans(device.user):
            _Walk(device, each, said, verdict).over(logs[conversation])
    for conversation in logs.keys() - stored.keys():
        verdict.add("leaked", f"{device.name} was shown {conversation}, which it has nothing to do with")


class _Walk:
    """One device's log of one conversation, from its beginning to its end."""

    def __init__(self, device: Device, stored: Stored, said: Said, verdict: Verdict) -> None:
        self._name = f"{device.name} in {stored.conversation}"
        self._stored = stored
        self._verdict = verdict
        self._spans = stored.spans(device.user)
        self._said = said
        self._kept = {event.seq: event for event in stored.events}
        self._seen: set[int] = set()
        self._owed: set[int] = set()
        self._place: int | None = None

    def over(self, log: list[Note]) -> None:
        """Check it."""
        for note in log:
            match note.what:
                case What.PLACED:
                    self._place = note.seq
                case What.RESYNCED:
                    self._owed.update(range((self._place or note.seq) + 1, note.seq + 1))
                    self._place = note.seq
                case What.LEFT:
                    self._place = None
                case What.SHOWN | What.FETCHED:
                    self._show(note)
        self._at_the_end()

    def _show(self, note: Note) -> None:
        self._verdict.events_shown += 1
        self._check_right(note)
        self._check_content(note)
        if note.seq in self._seen:
            self._verdict.add("doubled", f"{self._name} was shown {note.seq} twice")
        elif note.what is What.SHOWN:
            self._check_order(note)
        self._seen.add(note.seq)
        if self._place is not None:
            self._place = max(self._place, note.seq)

    def _check_right(self, note: Note) -> None:
        """I5: members only; and where the past is hidden, only what happened while they were."""
        inside = any(start <= note.seq <= (end or note.seq) for start, end in self._spans)
        before_an_end = any(note.seq <= (end or note.seq) for _, end in self._spans)
        if not (inside if self._stored.hides_past else before_an_end):
            self._verdict.add("leaked", f"{self._name} was shown {note.seq}, a member during {self._spans}")
        elif self._place is None:
            self._verdict.add("leaked", f"{self._name} was shown {note.seq} after `left`")

    def _check_content(self, note: Note) -> None:
        kept = self._kept.get(note.seq)
        if kept is None:
            self._verdict.add("lost", f"{self._name} was shown {note.seq}, which is not stored")
        elif note.kind != kept.kind or not self._is_as_it_was(note, kept):
            self._verdict.add("altered", f"{self._name} was shown {note.seq} as {note.kind}, stored is {kept.kind}")

    def _is_as_it_was(self, note: Note, kept: StoredEvent) -> bool:
        """What is stored now, or, of a message that was deleted since, what it said before."""
        if note.body == kept.data.get("body"):
            return True
        before = self._said.get((note.conversation, note.seq))
        return _is_redacted(kept) and (note.body == before or (before is None and note.body is not None))

    def _check_order(self, note: Note) -> None:
        if self._place is None:
            return
        if note.seq < self._place:
            self._verdict.add("reordered", f"{self._name} was shown {note.seq} after {self._place}")
        elif note.seq > self._place + 1:
            what = f"{self._name} was shown {note.seq} right after {self._place}"
            self._verdict.add("holes", what, note.seq - self._place - 1)

    def _at_the_end(self) -> None:
        """I1 for members of now: they have everything up to the head. Whoever was removed may have been cut short."""
        member = bool(self._spans) and self._spans[-1][1] is None
        if not member:
            return
        owed = {seq for seq in self._owed - self._seen if seq >= self._spans[-1][0]}
        if owed:
            self._verdict.add("lost", f"{self._name} never got {sorted(owed)[:5]} after `resync`", len(owed))
        place = self._place if self._place is not None else self._spans[-1][0] - 1
        if place < self._stored.last_seq:
            what = f"{self._name} got as far as {self._place} of {self._stored.last_seq}"
            self._verdict.add("lost", what, self._stored.last_seq - place)
