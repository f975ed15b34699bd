"""A transport whose other end takes only what a test lets through."""

from __future__ import annotations

from collections.abc import Callable

from gateway_service.realtime.frames import Piece


class Pipe:
    """One socket's way out."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.stuck = 0
        self.codes: list[int] = []
        self.is_aborted = False

    def send_frame(self, piece: Piece) -> None:
        self.sent += [frame.payload for frame in piece.each]
        self.stuck += piece.size if self.stuck else 0

    def buffered_bytes(self) -> int:
        return self.stuck

    def close(self, code: int, reason: str) -> None:
        self.codes.append(code)

    def abort(self) -> None:
        self.is_aborted = True
        self.stuck = 0

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def on_drained(self, callback: Callable[[], None]) -> None: ...
