"""Restarting parts of a running stack one after the other, each ready again before the next one goes."""

import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import LauncherError
from .errands import Stopped
from .flag import Flag
from .orders import Order, Orders
from .part import Part
from .supervisor import Supervisor

# Caddy and the services pass over an instance for a second after it refused them; then it has its share again.
SETTLE_SECONDS = 1.5

# A part by its name, made anew: from which tree, with which settings on top.
Maker = Callable[[str, str, dict[str, str]], Part]


class Restarts:
    """Carries out orders, one at a time, beside the supervisor's own watching."""

    def __init__(self, supervisor: Supervisor, orders: Orders, stop: Flag, make: Maker) -> None:
        """Take orders from `orders`; `stop` ends the waiting for parts."""
        self._supervisor = supervisor
        self._orders = orders
        self._stop = stop
        self._make = make
        self._working: threading.Thread | None = None

    def look(self) -> None:
        """Begin with the next order, if there is one and nothing else is being done."""
        if self._working is not None and self._working.is_alive():
            return
        for order, wanted in self._orders.taken():
            self._working = threading.Thread(target=self._carry_out, args=(order, wanted), name="restarts")
            self._working.start()
            return

    def finish(self) -> None:
        """Wait until the part that is being restarted is not touched any more."""
        if self._working is not None:
            self._working.join()

    def _carry_out(self, order: Order, wanted: dict[str, Any]) -> None:
        try:
            self._restart_all(order, wanted)
        except Stopped:
            order.end("the stack is being stopped.")
        except (LauncherError, OSError, KeyError) as failure:
            order.end(str(failure))
        else:
            order.end()

    def _restart_all(self, order: Order, wanted: dict[str, Any]) -> None:
        for number, name in enumerate(wanted["parts"]):
            if number and self._stop.wait(SETTLE_SECONDS):
                raise Stopped
            part = self._make(name, wanted["source"], wanted["settings"])
            order.say(name, "stopping ...")
            began = time.monotonic()
            self._supervisor.replace(part, self._stop)
            order.say(name, f"{part.version or 'it'} is ready after {time.monotonic() - began:.1f} s")
