"""The subscription table agrees with a Redis that answers in order, whatever happens in between."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.bus.subscriptions import MAX_CHANNELS_PER_COMMAND, SubscriptionTable

CHANNELS = [b"a", b"b", b"c"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.sampled_from(CHANNELS)),
        st.tuples(st.just("drop"), st.sampled_from(CHANNELS)),
        st.tuples(st.sampled_from(["send", "work", "lose"]), st.just(b"")),
    ),
    max_size=60,
)


class FakeRedis:
    """Works through commands one channel at a time; answers arrive later, in order."""

    def __init__(self) -> None:
        self.subscribed: set[bytes] = set()
        self.inbox: deque[tuple[str, bytes]] = deque()

    def work(self) -> bytes | None:
        if not self.inbox:
            return None
        verb, channel = self.inbox.popleft()
        (self.subscribed.add if verb == "SUBSCRIBE" else self.subscribed.discard)(channel)
        return channel


def send(table: SubscriptionTable, redis: FakeRedis) -> None:
    for verb, *channels in table.take_commands():
        redis.inbox.extend((str(verb), channel) for channel in channels if isinstance(channel, bytes))


@given(STEPS)
def test_confirmed_means_subscribed_and_all_wanted_gets_confirmed(steps: list[tuple[str, bytes]]) -> None:
    table, redis, wanted = SubscriptionTable(), FakeRedis(), set()
    for action, channel in steps:
        if action == "want":
            table.want(channel)
            wanted.add(channel)
        elif action == "drop":
            table.drop(channel)
            wanted.discard(channel)
        elif action == "send":
            send(table, redis)
        elif action == "work":
            answered = redis.work()
            if answered is not None:
                table.answered(answered)
        else:
            table.connection_lost()
            redis = FakeRedis()
        for known in CHANNELS:
            assert not table.is_confirmed(known) or known in redis.subscribed
    send(table, redis)
    while (answered := redis.work()) is not None:
        table.answered(answered)
    assert redis.subscribed == wanted == {channel for channel in CHANNELS if table.is_confirmed(channel)}


def test_a_thousand_wishes_are_two_commands() -> None:
    table = SubscriptionTable()
    for number in range(1000):
        table.want(b"%d" % number)
    assert [len(command) - 1 for command in table.take_commands()] == [MAX_CHANNELS_PER_COMMAND, 488]


def test_a_wish_that_is_withdrawn_in_the_same_turn_costs_nothing() -> None:
    table = SubscriptionTable()
    table.want(b"a")
    table.drop(b"a")
    assert list(table.take_commands()) == []
