"""`manage.py relay_outbox`: the relay as a process."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.crash_points import started
from chatire_shared.outbox.bell import BellListener
from chatire_shared.outbox.health import HealthServer
from chatire_shared.outbox.relay import Relay
from chatire_shared.outbox.tick import Ticker
from chatire_shared.outbox.told import Told
from chatire_shared.serving.lasting import freeze

_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_STOP_SECONDS = 0.7
_MOST_PAUSE_SECONDS = 0.5


class Command(BaseCommand):
    """Publish what is in the outbox, until SIGTERM or SIGINT."""

    help = "Publish what transactions have left in the outbox, until SIGTERM."
    requires_system_checks = ()  # They load every view, which a relay never needs.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Django: the options."""
        parser.add_argument("--health", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics there.")

    def handle(self, *_args: object, **options: Any) -> None:
        """Django: run it. The work is done in threads, so that signals need no handler that could interrupt it."""
        # Before any thread starts: they inherit it, and the signal then waits for sigtimedwait.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        publisher = LayerPublisher(settings.CHATIRE_REDIS_URL, most_pause_seconds=_MOST_PAUSE_SECONDS)
        relay = Relay(publisher, told=Told(settings.CHATIRE_REDIS_URL))
        ticker = Ticker(publisher, relay.board, works=lambda: relay.works)
        bell = BellListener(settings.CHATIRE_REDIS_URL, relay.ring)
        health = _health(relay, options["health"])
        worker = threading.Thread(target=relay.run, name="chatire-relay", daemon=True)
        started("relay")
        freeze()
        for part in (health, worker, ticker, bell):
            if part is not None:
                part.start()
        while signal.sigtimedwait(_STOP_SIGNALS, 0.5) is None:
            if not worker.is_alive():
                raise CommandError("The relay ended by itself; its log says why.")
        for stopping in (ticker, bell, relay):
            stopping.stop()
        worker.join(_STOP_SECONDS)  # Beyond it the transaction is rolled back, and published once more later.
        if health is not None:
            health.stop()


def _health(relay: Relay, address: str | None) -> HealthServer | None:
    if not address:
        return None
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        raise CommandError("--health takes HOST:PORT.")
    return HealthServer(relay, host.strip("[]"), int(port))
