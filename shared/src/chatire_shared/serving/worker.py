"""Gunicorn's threaded worker, for services of which several run: it listens when it can serve, and leaves gently.

On SIGTERM gunicorn's own worker finishes what it has begun and answers `Connection: close` for two more seconds on the
connections it holds. But it leaves the listening socket open meanwhile, so that who connects waits and is then cut off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any
from wsgiref.util import setup_testing_defaults

from gunicorn.workers.gthread import ThreadWorker

from chatire_shared.serving import lane
from chatire_shared.serving.closing import close_gently

READY_SECONDS = 5.0
"""Longer than a start takes with everything at hand. Beyond it we serve what can be served without."""
_ASK_EVERY_SECONDS = 0.05
_OK = "200"


class Worker(ThreadWorker):  # type: ignore[misc]
    """`worker_class = "chatire_shared.serving.worker.Worker"`, together with `on_starting = bind_only`."""

    def init_process(self) -> None:
        """Gunicorn: the worker begins."""
        # Of our few threads one at most: the others are there for whoever comes.
        self._lane = threading.Semaphore(1)
        super().init_process()

    def run(self) -> None:
        """Gunicorn: serve until told to stop."""
        self._wait_until_ready()
        for listener in self.sockets:
            listener.listen(self.cfg.backlog)
        super().run()

    def handle(self, conn: Any) -> Any:
        """Gunicorn: serve a request in one of our threads; whether the connection stays open."""
        keeps = super().handle(conn)
        while lane.take_offer() and keeps is True and self.alive and self._lane.acquire(blocking=False):
            try:
                keeps = self._serve_in_lane(conn)
            finally:
                self._lane.release()
        return keeps

    def _serve_in_lane(self, conn: Any) -> Any:
        try:
            return lane.serve(conn.sock, self.wsgi.lane)
        except lane.NotForLane as other:
            conn.parser.unreader.unread(other.data)
            return super().handle(conn)
        except OSError:
            return False

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 (gunicorn's)
        """Gunicorn: called with False when it is told to stop, and when it has too many connections."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                if listener.sock is not None:
                    close_gently(listener.sock, partial(self.accept, listener))

    def _wait_until_ready(self) -> None:
        """Wait for what `/readyz` asks for (public keys, revocations, the database), for a while."""
        deadline = time.monotonic() + READY_SECONDS
        while self.alive and time.monotonic() < deadline and not self._is_ready():
            self.notify()
            time.sleep(_ASK_EVERY_SECONDS)

    def _is_ready(self) -> bool:
        from django.db import connections

        environ: dict[str, Any] = {"PATH_INFO": "/readyz", "REMOTE_ADDR": "127.0.0.1"}
        setup_testing_defaults(environ)
        said: list[str] = []
        answer: Iterable[bytes] = self.wsgi(environ, lambda status, *_: said.append(status))
        list(answer)
        connections.close_all()  # This thread serves nobody.
        return bool(said) and said[0].startswith(_OK)
