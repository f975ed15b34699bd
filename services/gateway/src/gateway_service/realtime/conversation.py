"""What a gateway process knows of one conversation, and how far each socket has come in it. Pure state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway_service.realtime import frames
from gateway_service.realtime.effects import Session
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.ring import EVERYBODY, Entry, Ring, Shelf

MAX_HELD = 64
MAX_RETURNS = 4
BUNDLES_KEPT = 4


class Pace(Enum):
    """Where a socket stands in a conversation."""

    LIVE = "live"
    """It has everything up to the conversation's position and gets each event as it comes."""
    CATCHING_UP = "catching up"
    """It is behind, and gets pages as its queue drains."""
    AHEAD = "ahead"
    """It was promised nothing up to a seq that this process hasn't reached yet."""
    SUSPENDED = "suspended"
    """The log was replaced: nothing, until it is known anew that its user is a member."""


@dataclass(frozen=True, slots=True)
class Rejoin:
    """The user is a member again, `after` whose seq events follow; holds against removals up to `authorised`."""

    after: int
    visible_from_seq: int
    authorised: int


class Attachment:
    """One socket in one conversation.

    Attributes:
        sent: The newest seq it was given or needs not be given; meaningless while LIVE.
        authorised: Its user is known to be a member as of this seq; a later removal ends the attachment.
        page: Fetched events that it still needs, in order.
        waiting_after: The `after` of the page that was asked for, None when none was.
        rejoins: Known returns of its user, the earliest first, for removals that are still to come.
        leaving: The messages service says that its user is no member, and the removal wasn't seen yet.
    """

    __slots__ = ("authorised", "leaving", "pace", "page", "rejoins", "sent", "session", "user", "waiting_after")

    def __init__(self, session: Session, user: str, sent: int, authorised: int, pace: Pace) -> None:
        self.session = session
        self.user = user
        self.sent = sent
        self.authorised = authorised
        self.pace = pace
        self.page: Sequence[Entry] = ()
        self.waiting_after: int | None = None
        self.rejoins: Sequence[Rejoin] = ()
        self.leaving = False

    def expect_return(self, rejoin: Rejoin) -> None:
        """Its user is a member at `rejoin.authorised`: should a removal from before that turn up, then one that came back."""
        if rejoin.authorised > max([self.authorised, *(known.authorised for known in self.rejoins)]):
            self.rejoins = (*self.rejoins[-MAX_RETURNS + 1 :], rejoin)

    def returns_after(self, seq: int) -> list[Rejoin]:
        """The known returns after a removal at `seq`."""
        return [rejoin for rejoin in self.rejoins if rejoin.authorised >= seq]

    def is_ended_by(self, entry: Entry) -> bool:
        """Whether its user is no member after `entry`."""
        return entry.removes in (self.user, EVERYBODY) and entry.seq > self.authorised


class Conversation:
    """One conversation's log as this process follows it.

    Attributes:
        position: Every event up to here went to every live socket.
        head: The newest seq heard of, from wherever.
        held: Events that came too early, by seq.
        fetching_after: The `after` of the repair under way, None when there is none.
        head_at_fetch: `head` when that repair began.
        holding: Whether a hold is running.
        suspected: Whether the latest page that was asked for says that the log ends before the position.
        idle_since: When the last socket was seen gone; None while there are sockets.
    """

    __slots__ = (
        "_bundles",
        "_live",
        "attachments",
        "epoch",
        "fetching_after",
        "head",
        "head_at_fetch",
        "held",
        "holding",
        "id",
        "idle_since",
        "position",
        "ring",
        "suspected",
    )

    def __init__(
        self,
        id: str,  # noqa: A002 (the field's name)
        epoch: str,
        position: int,
        shelf: Shelf | None = None,
    ) -> None:
        self.id = id
        self.epoch = epoch
        self.position = position
        self.head = position
        self.ring = Ring(shelf)
        self.held: dict[int, Entry] = {}
        self.fetching_after: int | None = None
        self.head_at_fetch = position
        self.holding = False
        self.suspected = False
        self.idle_since: float | None = None
        self.attachments: dict[Session, Attachment] = {}
        self._live: tuple[Session, ...] | None = ()
        self._bundles: dict[tuple[int, int], Frame] = {}

    @property
    def is_behind(self) -> bool:
        """Whether events are known of that haven't come."""
        return self.head > self.position

    def live(self) -> tuple[Session, ...]:
        """The sockets that get each event as it comes."""
        if self._live is None:
            self._live = tuple(item.session for item in self.attachments.values() if item.pace is Pace.LIVE)
        return self._live

    def put(self, attachment: Attachment) -> None:
        """Take an attachment in, in the place of the session's earlier one."""
        self.attachments[attachment.session] = attachment
        self.idle_since = None
        self._live = None

    def drop(self, session: Session) -> None:
        """Let a session go."""
        if self.attachments.pop(session, None) is not None:
            self._live = None

    def set_pace(self, attachment: Attachment, pace: Pace) -> None:
        """Change how a socket is served."""
        attachment.pace = pace
        self._live = None

    def offer(self, entry: Entry) -> bool:
        """Hold an event until its turn; False when it came before."""
        if entry.seq <= self.position or entry.seq in self.held:
            return False
        self.head = max(self.head, entry.seq)
        if entry.seq == self.position + 1 or len(self.held) < MAX_HELD:
            self.held[entry.seq] = entry
        return True

    def advance(self) -> Entry | None:
        """Step over the next event, when it is here."""
        entry = self.held.pop(self.position + 1, None)
        if entry is not None:
            self.position = entry.seq
            self.ring.append(entry)
        return entry

    def replace_log(self, epoch: str, position: int) -> None:
        """Start anew on another log, everybody suspended."""
        self.epoch = epoch
        self.position = self.head = position
        self.held.clear()
        self.ring.clear()
        self._bundles.clear()
        self.fetching_after = None
        for attachment in self.attachments.values():
            self.set_pace(attachment, Pace.SUSPENDED)
            attachment.page = ()
            attachment.waiting_after = None

    def disbelieve_before(self, last_seq: int) -> None:
        """Drop what was known before a fetch began and the log, read since, doesn't have: it was never true."""
        if self.head == self.head_at_fetch:
            self.head = max(last_seq, self.position)
            for seq in [seq for seq in self.held if seq > self.head]:
                del self.held[seq]

    def bundle(self, entries: list[Entry]) -> Frame:
        """One frame for a run of events; the same for all who need the same run."""
        if len(entries) == 1:
            return entries[0].frame
        run = entries[0].seq, entries[-1].seq
        found = self._bundles.get(run)
        if found is None:
            found = frames.events(self.id, [entry.frame.payload for entry in entries])
            self._bundles[run] = found
            while len(self._bundles) > BUNDLES_KEPT:
                del self._bundles[next(iter(self._bundles))]
        return found


def take_run(entries: Iterable[Entry], attachment: Attachment) -> tuple[list[Entry], bool]:
    """The events that fit one `events` frame for this socket, and whether the last of them ends its membership."""
    run: list[Entry] = []
    size = 0
    for entry in entries:
        size += len(entry.frame.payload)
        if run and (len(run) == frames.MAX_EVENTS or size > frames.MAX_EVENTS_BYTES):
            break
        run.append(entry)
        if attachment.is_ended_by(entry):
            return run, True
    return run, False
