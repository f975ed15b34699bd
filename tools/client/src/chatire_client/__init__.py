"""A small client of Chatire, written against docs/protocol.md and nothing else: no code of the services is imported.

The tests and the replay see the system through it, so what it accepts is what the contract says, not what the code
happens to do.
"""

from chatire_client.account import Account, SignedOut
from chatire_client.events import Event
from chatire_client.http import Http, Problem
from chatire_client.live import Live
from chatire_client.outbox import Ack, Refused
from chatire_client.wire import Closed, Wire

__all__ = ["Account", "Ack", "Closed", "Event", "Http", "Live", "Problem", "Refused", "SignedOut", "Wire"]
