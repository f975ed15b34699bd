"""What the client itself does with a frame before its observer hears of it."""

from __future__ import annotations

from typing import Any

from chatire_client.events import Cursors, Event
from chatire_client.observer import Observer
from chatire_client.outbox import Ack, Outbox, Refused
from chatire_client.wire import Frame


class Inbox:
    """Takes the frames of a connection, in order."""

    def __init__(self, cursors: Cursors, outbox: Outbox, observer: Observer) -> None:
        """Move `cursors`, settle what is in `outbox`, tell `observer`."""
        self._cursors = cursors
        self._outbox = outbox
        self._observer = observer

    def take(self, frame: Frame) -> None:
        """Act on a frame; one of a type nobody knows is only told."""
        match frame["type"]:
            case "event":
                self._take_event(frame)
                return
            case "events":
                for each in frame["events"]:
                    self._take_event({"conversation": frame["conversation"]} | each)
                return
            case "ack":
                self._outbox.acked(Ack(frame["id"], frame["conversation"], frame["seq"], frame["message_id"]))
            case "error":
                self._take_error(frame)
            case "joined" | "resync":
                self._cursors.place(frame["conversation"], frame["last_seq"])
            case "left":
                self._cursors.forget(frame["conversation"])
        self._observer.on_frame(frame)

    def _take_event(self, fields: dict[str, Any]) -> None:
        event = Event.read(fields)
        self._observer.on_event(event, self._cursors.arrive(event))

    def _take_error(self, frame: Frame) -> None:
        if frame.get("id") is None:
            return
        refusal = Refused(frame["code"], frame["detail"])
        wait_seconds = frame.get("retry_after_ms", 0) / 1000
        self._outbox.failed(frame["id"], refusal, retryable=frame["retryable"], retry_after_seconds=wait_seconds)
