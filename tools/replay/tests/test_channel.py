"""Acting out a log: what happens when somebody can't go on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatire_replay.channel import Channel, Means
from chatire_replay.ledger import Ledger
from chatire_replay.pace import Pace
from chatire_replay.script import Deed, Script, Step

CONVERSATION = "01a20810-1c6c-7f1e-8d58-ef29e32f024d"


class NobodyComesIn:
    """A troupe whose sockets never get ready."""

    async def borrow(self, username):
        raise TimeoutError(f"{username} got no `ready`")


def test_one_who_cannot_go_on_ends_it_instead_of_holding_everybodys_place():
    steps = [Step(Deed.SAY, who, 0.0, line, "hello") for line, who in enumerate(["ada", "grace", "ada", "grace"])]
    script = Script(steps=steps)
    with ThreadPoolExecutor(1) as calls:
        means = Means({}, NobodyComesIn(), Pace(None), calls, window=1, on_sent=lambda: None)
        channel = Channel(script, Ledger("garden", CONVERSATION, {}), means)
        with pytest.raises(ExceptionGroup) as stopped:
            asyncio.run(asyncio.wait_for(channel.act(), 10))
    assert "ada got no" in str(stopped.value.exceptions[0])
