import asyncio
from random import Random

import pytest
from scripted_server import conversation, event, ready, scripted, soon, token

from chatire_client import Closed, Live, Refused, SignedOut
from chatire_client.events import Arrival
from chatire_client.observer import Observer
from chatire_client.wire import BadFrame


class Diary(Observer):
    def __init__(self):
        self.events, self.closes, self.frames = [], [], []

    def on_event(self, event, arrival):
        self.events.append((event.seq, arrival))

    def on_closed(self, code):
        self.closes.append(code)

    def on_frame(self, frame):
        self.frames.append(frame["type"])


class Prompt(Random):
    """No jitter: these tests are about what happens, not when."""

    def uniform(self, _low, _high):
        return 0.0


async def connect(server, **options):
    live = Live(server.account, random=Prompt(), **options)
    await live.start(within=10)
    return live


async def test_after_a_lost_line_it_comes_back_with_its_cursors_and_misses_nothing():
    async def first(peer):
        await peer.welcome(conversation(last_seq=3))
        assert peer.auth["type"] == "auth"
        assert peer.auth["cursors"] == {}
        await peer.send(event(4))
        await peer.receive(but="pong")
        peer.abort()

    async def second(peer):
        await peer.welcome(conversation(last_seq=6))
        assert peer.auth["cursors"] == {"c": 4}
        assert peer.auth["epochs"] == {"c": "e"}
        await peer.send({"type": "events", "conversation": "c", "events": [event(5), event(6)]})
        await peer.until_gone()

    diary = Diary()
    async with scripted(first, second) as server:
        live = await connect(server, observer=diary)
        await soon(lambda: len(diary.events) == 3)
        await live.stop()
    assert diary.events == [(4, Arrival.NEXT), (5, Arrival.NEXT), (6, Arrival.NEXT)]
    assert diary.closes[0] == 1006


async def test_what_was_not_acknowledged_is_sent_again_under_the_same_id_and_in_order():
    seen = []

    async def first(peer):
        await peer.welcome()
        await peer.ack(await peer.receive(), 1)
        seen.extend([(await peer.receive())["id"], (await peer.receive())["id"]])
        peer.abort()

    async def second(peer):
        await peer.welcome()
        for seq in (2, 3):
            frame = await peer.receive()
            seen.append(frame["id"])
            await peer.ack(frame, seq)
        await peer.until_gone()

    async with scripted(first, second) as server:
        live = await connect(server)
        acks = await asyncio.gather(*(live.submit("c", body) for body in ("one", "two", "three")))
        await live.stop()
    assert [ack.seq for ack in acks] == [1, 2, 3]
    assert seen[:2] == seen[2:]


async def test_a_retryable_error_is_answered_by_sending_again_and_a_final_one_raises():
    async def only(peer):
        await peer.welcome()
        frame = await peer.receive()
        await peer.send(
            {
                "type": "error",
                "code": "rate_limited",
                "detail": "",
                "id": frame["id"],
                "retryable": True,
                "retry_after_ms": 5,
            }
        )
        await peer.ack(await peer.receive(), 1)
        refused = await peer.receive()
        await peer.send({"type": "error", "code": "not_found", "detail": "", "id": refused["id"], "retryable": False})
        await peer.until_gone()

    async with scripted(only) as server:
        live = await connect(server)
        assert (await live.send("c", "again")).seq == 1
        with pytest.raises(Refused, match="not_found"):
            await live.send("elsewhere", "never")
        await live.stop()


class Listening(Prompt):
    """Notes between what the jitter is drawn."""

    def __init__(self):
        super().__init__()
        self.ceilings = []

    def uniform(self, _low, high):
        self.ceilings.append(high)
        return 0.0


async def test_what_could_not_be_stored_is_repeated_soon_however_often_and_does_not_slow_down_reconnecting():
    async def first(peer):
        await peer.welcome()
        for _ in range(9):
            frame = await peer.receive()
            error = {"type": "error", "code": "unavailable", "detail": "", "id": frame["id"], "retryable": True}
            await peer.send(error)
        await peer.receive()
        peer.abort()

    async def second(peer):
        await peer.welcome()
        await peer.ack(await peer.receive(), 1)
        await peer.until_gone()

    random = Listening()
    async with scripted(first, second) as server:
        live = Live(server.account, random=random)
        await live.start(within=10)
        assert (await live.send("c", "hello")).seq == 1
        await live.stop()
    assert random.ceilings[:10] == [0.5, 1.0, *[2.0] * 7, 0.5]


async def test_a_line_on_which_nothing_answers_is_cut_and_replaced():
    async def silent(peer):
        await peer.send(ready() | {"heartbeat": 0.1})
        await peer.until_gone()

    async def second(peer):
        await peer.welcome()
        await peer.until_gone()

    diary = Diary()
    async with scripted(silent, second) as server:
        live = await connect(server, observer=diary)
        await soon(lambda: live.connections == 2)
        await live.stop()
    assert diary.closes[0] == 1006


async def test_a_quiet_line_that_answers_stays():
    asked = []

    async def only(peer):
        await peer.send(ready() | {"heartbeat": 0.5})
        await peer.receive()
        while len(asked) < 4:
            frame = await peer.receive(but=None)
            asked.append(frame["n"])
            await peer.send({"type": "pong", "n": frame["n"]})
        await peer.close(1012)

    diary = Diary()
    async with scripted(only) as server:
        live = await connect(server, observer=diary)
        await soon(lambda: diary.closes)
        await live.stop()
    assert diary.closes[0] == 1012
    assert asked[:4] == [1, 2, 3, 4]


async def test_4401_refreshes_the_token_and_comes_back():
    async def first(peer):
        await peer.receive()
        await peer.close(4401)

    async def second(peer):
        await peer.welcome()
        assert peer.auth["token"] != old
        await peer.until_gone()

    async with scripted(first, second) as server:
        old = server.account.access
        live = await connect(server)
        await live.stop()
        assert server.refreshes == 1


async def test_4401_with_a_dead_refresh_token_signs_out():
    async def only(peer):
        await peer.receive()
        await peer.close(4401)

    async with scripted(only) as server:
        server.refresh_status = 401
        with pytest.raises(SignedOut, match="token_reused"):
            await connect(server)


async def test_4409_signs_out_and_refuses_what_was_still_to_be_sent():
    async def only(peer):
        await peer.welcome()
        await peer.receive()
        await peer.close(4409)

    async with scripted(only) as server:
        live = await connect(server)
        with pytest.raises(Refused, match="SignedOut"):
            await live.send("c", "too late")
        assert isinstance(await live.wait_ended(), SignedOut)
        assert server.connections == 1


@pytest.mark.parametrize("code", [4400, 4403, 4413])
async def test_what_is_our_own_fault_is_not_tried_again(code):
    async def only(peer):
        await peer.receive()
        await peer.close(code)

    async with scripted(only) as server:
        with pytest.raises(Closed, match=str(code)):
            await connect(server)
        assert server.connections == 1


@pytest.mark.parametrize("code", [1001, 1011, 1012])
async def test_what_is_the_servers_business_is_tried_again(code):
    async def first(peer):
        await peer.welcome()
        await peer.send({"type": "bye", "reason": "restarting", "reconnect_after_ms": 10})
        await peer.close(code)

    async def second(peer):
        await peer.welcome()
        await peer.until_gone()

    async with scripted(first, second) as server:
        live = await connect(server)
        await soon(lambda: live.connections == 2)
        await live.stop()


async def test_a_token_about_to_end_is_renewed_on_the_open_connection():
    frames = []

    async def only(peer):
        await peer.welcome()
        await peer.send({"type": "session", "expires_at": "2000-01-01T00:00:00.000000Z"})
        frames.append(await peer.receive())
        await peer.send({"type": "session", "expires_at": "2000-01-01T00:00:00.000000Z"})
        await peer.until_gone()

    diary = Diary()
    async with scripted(only) as server:
        live = await connect(server, observer=diary)
        await soon(lambda: diary.frames.count("session") == 2)
        await live.stop()
        assert server.refreshes == 1
    assert frames[0]["type"] == "auth"
    assert "cursors" not in frames[0]


async def test_a_token_that_has_ended_is_refreshed_before_it_is_used():
    async def only(peer):
        await peer.welcome()
        await peer.until_gone()

    async with scripted(only) as server:
        server.account.access = token("old", seconds=1)
        live = await connect(server)
        await live.stop()
        assert server.refreshes == 1


async def test_a_writer_reads_no_events_but_still_hears_its_acks():
    async def only(peer):
        await peer.welcome(conversation(last_seq=3))
        assert "cursors" not in peer.auth
        frame = await peer.receive()
        for seq in range(4, 104):
            await peer.send(event(seq))
        await peer.ack(frame, 104)
        await peer.until_gone()

    diary = Diary()
    async with scripted(only) as server:
        live = await connect(server, observer=diary, follow=False)
        assert (await live.send("c", "hello")).seq == 104
        await live.stop()
    assert diary.events == []


async def test_anything_before_ready_breaks_the_contract():
    async def only(peer):
        await peer.receive()
        await peer.send(event(1))
        await peer.until_gone()

    async with scripted(only) as server:
        with pytest.raises(BadFrame, match="before `ready`"):
            await connect(server)


async def test_joined_resync_and_left_move_the_cursor():
    async def first(peer):
        await peer.welcome()
        await peer.send({"type": "joined", "conversation": "c", "last_seq": 8, "visible_from_seq": 1})
        await peer.send(event(9))
        await peer.send({"type": "joined", "conversation": "d", "last_seq": 2, "visible_from_seq": 1})
        await peer.send({"type": "left", "conversation": "d"})
        await peer.send({"type": "resync", "conversation": "c", "last_seq": 40})
        await peer.send(event(41))
        await peer.until_gone()

    diary = Diary()
    async with scripted(first) as server:
        live = await connect(server, observer=diary)
        await soon(lambda: len(diary.events) == 2)
        assert live.cursors.latest("d") is None
        await live.stop()
    assert diary.events == [(9, Arrival.NEXT), (41, Arrival.NEXT)]
