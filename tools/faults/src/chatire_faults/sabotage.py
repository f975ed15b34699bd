"""Ways to break the product on purpose, one promise each, so that a test can see the campaign notice.

`CHATIRE_SABOTAGE=chatire_faults.sabotage:NAME` in the environment of a stack: each process calls NAME with its part once
its code is loaded (`chatire_shared.crash_points.started`). The product itself has no such switch, and the built images
neither have this module nor look for it.

Three of them (`harmless`) only lose or double what may be lost or doubled: with these alone every promise must be kept.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import count
from queue import SimpleQueue
from typing import Any

UNCOMMITTED_SECONDS = 0.6
CRASH_EVERY = 12
LOSE_EVERY = 4
KEEP_EVERY = 8
"""So few that the newest event of a conversation is nearly always lost, and what follows it seldom shows that."""


def _replace(owner: Any, name: str, by: Any) -> None:
    setattr(owner, name, by)


def ack_before_commit(part: str) -> None:
    """Messages answers while its transaction is still open, commits a little later, and crashes now and then in between.

    Crashes at such moments alone are harmless: `crash-messages-after-commit` and its like are that.
    """
    if part != "messages":
        return
    from django.db import connection, transaction

    from messages_service.timeline.services import batches, posting

    transactions = count(1)

    def post_and_commit_later(candidates: Any, now: Any, answers: SimpleQueue[Any]) -> None:
        try:
            with transaction.atomic():
                answers.put(batches.post_candidates(candidates=candidates, now=now, lock_timeout_ms=2_000))
                time.sleep(UNCOMMITTED_SECONDS)
                if next(transactions) % CRASH_EVERY == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        except Exception as failure:  # noqa: BLE001 (whoever waits gets it)
            answers.put(failure)
        finally:
            connection.close()

    def post_unlocked(candidates: Any, now: Any, outcomes: dict[int, Any]) -> list[Any]:
        if not candidates:
            return []
        answers: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=post_and_commit_later, args=(candidates, now, answers), daemon=True).start()
        answer = answers.get()
        if isinstance(answer, Exception):
            raise answer
        outcomes.update(answer[0])
        return list(answer[1])

    _replace(posting, "_post_unlocked", post_unlocked)


def no_deduplication(part: str) -> None:
    """Messages stores a repeat as a new message."""
    if part != "messages":
        return
    from django.db import connection

    from messages_service.timeline.services import batch_statements, batches

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE timeline_message DROP CONSTRAINT IF EXISTS message_client_id")
    connection.close()
    repeats = "earlier_id IS NOT NULL"
    if repeats not in batch_statements.POST.sql:
        raise AssertionError(f"The statement that posts has changed; it doesn't say {repeats!r} any more.")
    blind = batch_statements.POST.sql.replace(repeats, "false")
    _replace(batches, "POST", dataclasses.replace(batch_statements.POST, sql=blind))


def lost_bells(part: str) -> None:
    """Harmless: messages neither rings the relay nor announces anything itself."""
    if part != "messages":
        return
    from chatire_shared.bus.publisher import LayerPublisher

    _replace(LayerPublisher, "ring", lambda _self: None)
    _replace(LayerPublisher, "announce", lambda _self, _items: None)


def no_sweep(part: str) -> None:
    """Nobody rings, the relay doesn't look by itself and says that all is well, and no gateway looks for itself.

    Gateways would: every 20 s, and whenever a tick is late, as it is on a busy machine.
    """
    lost_bells(part)
    if part == "gateway":
        _never_look()
    if part == "relay":
        from chatire_shared.outbox import relay

        relay.SWEEP_SECONDS = 3_600.0
        _replace(relay.Relay, "works", True)


def lossy_bus(part: str) -> None:
    """Harmless: each gateway loses every fourth event that the relay published, without a sign."""
    if part == "gateway":
        _lose(lambda number: number % LOSE_EVERY == 0)


def _lose(is_lost: Callable[[int], bool]) -> None:
    from gateway_service.realtime.hub import Hub

    event, heard = Hub.event, count(1)

    def lose_some(self: Any, conversation: str, epoch: str, entry: Any) -> Any:
        return [] if is_lost(next(heard)) else event(self, conversation, epoch, entry)

    _replace(Hub, "event", lose_some)


def _never_look() -> None:
    from gateway_service.realtime import watch

    watch.DEAF_SECONDS = watch.POSITION_SECONDS = 3_600.0


def no_tick(part: str) -> None:
    """Most events get lost, the ticks don't say how far the relay has come, and no gateway looks for itself."""
    if part == "gateway":
        _lose(lambda number: number % KEEP_EVERY > 0)
        _never_look()
    if part == "relay":
        from chatire_shared.outbox.tick import Board

        _replace(Board, "note", lambda _self, _topic, _seq, _message: None)


def no_gap_fetch(part: str) -> None:
    """Events get lost, and no gateway fetches what is missing."""
    lossy_bus(part)
    if part == "gateway":
        from gateway_service.realtime.healing import Ranges

        _replace(Ranges, "want", lambda _self, _conversation, _after, _delay_seconds: None)


def doubled_events(part: str) -> None:
    """Harmless: everything is published twice, by the relay and by messages."""
    if part not in {"relay", "messages"}:
        return
    from chatire_shared.bus.publisher import LayerPublisher

    publish_many, announce = LayerPublisher.publish_many, LayerPublisher.announce

    def announce_twice(self: Any, items: Any) -> None:
        announce(self, items)
        announce(self, items)

    _replace(LayerPublisher, "announce", announce_twice)

    def publish_twice(self: Any, messages: Any) -> Any:
        publish_many(self, messages)
        return publish_many(self, messages)

    _replace(LayerPublisher, "publish_many", publish_twice)


def no_deduplication_in_gateway(part: str) -> None:
    """Everything is published twice, and a gateway delivers what it knows already once more."""
    doubled_events(part)
    if part != "gateway":
        return
    from gateway_service.realtime.following import Following

    event = Following.event

    def deliver_repeats(self: Any, conversation_id: str, epoch: str, entry: Any, effects: Any) -> None:
        conversation = self._state.conversations.get(conversation_id)
        if conversation is not None and entry.seq <= conversation.position:
            self._deliver(conversation, entry, effects)
        else:
            event(self, conversation_id, epoch, entry, effects)

    _replace(Following, "event", deliver_repeats)


def no_order(part: str) -> None:
    """Events get lost, and a gateway delivers what comes as it comes."""
    lossy_bus(part)
    if part != "gateway":
        return
    from gateway_service.realtime.conversation import Conversation

    offer = Conversation.offer

    def jump(self: Any, entry: Any) -> bool:
        if entry.seq > self.position + 1:
            self.position = entry.seq - 1
        return offer(self, entry)

    _replace(Conversation, "offer", jump)


def deliver_after_removal(part: str) -> None:
    """A gateway goes on serving who was removed."""
    if part != "gateway":
        return
    from gateway_service.realtime.conversation import Attachment

    _replace(Attachment, "is_ended_by", lambda _self, _entry: False)


def no_replay(part: str) -> None:
    """A socket that comes back gets what is new, and not what it missed."""
    if part != "gateway":
        return
    from gateway_service.realtime.belonging import Belonging

    start = Belonging._start  # noqa: SLF001

    def forget_the_cursor(
        self: Any, session: Any, membership: Any, cursor: int | None, epochs: Any, effects: Any
    ) -> None:
        start(self, session, membership, None, epochs, effects)

    _replace(Belonging, "_start", forget_the_cursor)


HARMLESS = (lost_bells, lossy_bus, doubled_events)
HARMFUL = (
    ack_before_commit,
    no_deduplication,
    no_sweep,
    no_tick,
    no_gap_fetch,
    no_deduplication_in_gateway,
    no_order,
    deliver_after_removal,
    no_replay,
)
