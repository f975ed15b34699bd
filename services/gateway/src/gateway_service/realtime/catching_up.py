"""Serving sockets that are behind, page by page, as fast as each of them takes it (part of the hub). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chatire_shared.crash_points import hit
from gateway_service.realtime.belonging import Belonging
from gateway_service.realtime.conversation import Attachment, Conversation, Pace, take_run
from gateway_service.realtime.effects import Deliver, Fetch, Session
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.state import Effects, State, look


class CatchingUp:
    """Replays after a resume, a join or a healed gap."""

    def __init__(self, state: State, belonging: Belonging) -> None:
        self._state = state
        self._belonging = belonging

    def pump(self, session: Session, room_bytes: int, effects: Effects) -> None:
        """Give `session` what it lacks, until about `room_bytes` are given or a page must be fetched first."""
        member = self._state.members.get(session)
        if member is None:
            return
        behind = [item for item in member.attachments.items() if item[1].pace is Pace.CATCHING_UP]
        for conversation_id, attachment in behind:
            conversation = self._state.conversations[conversation_id]
            while room_bytes > 0 and attachment.pace is Pace.CATCHING_UP:
                given = self._step(conversation, attachment, effects)
                if given == 0:
                    break
                room_bytes -= given
        if room_bytes <= 0:
            _keep_one_page([attachment for _, attachment in behind])

    def _step(self, conversation: Conversation, attachment: Attachment, effects: Effects) -> int:
        """One frame, or the change of pace at the end; returns bytes given, 0 when there is nothing to give now."""
        if attachment.sent >= conversation.position:
            self._arrive(conversation, attachment, effects)
            return 0
        source = self._source(conversation, attachment)
        if source is None:
            self._ask(conversation, attachment, effects)
            return 0
        hit("gateway.in_replay")
        run, ends = take_run(source, attachment)
        frame = conversation.bundle(run)
        attachment.sent = run[-1].seq
        self._state.counters.replayed += len(run)
        effects.append(Deliver((attachment.session,), frame))
        if ends:
            self._belonging.end(conversation, attachment, attachment.sent, effects)
            return 0
        return len(frame.payload)

    def _arrive(self, conversation: Conversation, attachment: Attachment, effects: Effects) -> None:
        ahead = attachment.sent > conversation.position
        conversation.set_pace(attachment, Pace.AHEAD if ahead else Pace.LIVE)
        attachment.page = ()
        if attachment.leaving:
            look(conversation, effects)

    def _source(self, conversation: Conversation, attachment: Attachment) -> Iterable[Entry] | None:
        wanted = attachment.sent + 1
        if conversation.ring.covers(wanted):
            return conversation.ring.since(wanted)
        page = attachment.page
        if page and page[0].seq <= wanted <= page[-1].seq:
            return page[wanted - page[0].seq :]
        return None

    def _ask(self, conversation: Conversation, attachment: Attachment, effects: Effects) -> None:
        if attachment.waiting_after != attachment.sent:
            attachment.waiting_after = attachment.sent
            attachment.page = ()
            self._state.counters.fetches += 1
            effects.append(Fetch(conversation.id, attachment.sent))


def _keep_one_page(attachments: Iterable[Attachment]) -> None:
    """A socket that takes its time keeps the page that is its next; of others it may be far away, and they add up."""
    pages = [attachment for attachment in attachments if attachment.page]
    for attachment in pages[1:]:
        attachment.page = ()
