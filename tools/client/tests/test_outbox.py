import pytest

from chatire_client.outbox import Ack, Outbox, Refused


class Desk:
    """An outbox with what went out of it, what it asked to repeat, and what became of each message."""

    def __init__(self):
        self.out, self.later, self.settled = [], [], {}
        self.box = Outbox(lambda fields: self.out.append(fields["id"]), lambda *call: self.later.append(call))

    def write(self, *ids, conversation="c"):
        for each in ids:
            self.box.add(
                {"id": each, "conversation": conversation}, lambda result, each=each: self.record(each, result)
            )

    def record(self, each, result):
        assert each not in self.settled
        self.settled[each] = result

    def ack(self, *ids):
        for each in ids:
            self.box.acked(Ack(each, "c", 1, "m"))

    def fail(self, each, *, retryable=True):
        return self.box.failed(each, Refused("unavailable", ""), retryable=retryable, retry_after_seconds=0.2)

    def sent(self):
        out, self.out = self.out, []
        return out


@pytest.fixture
def desk():
    return Desk()


def test_nothing_goes_out_before_the_connection_is_ready(desk):
    desk.write("a", "b")
    assert desk.sent() == []
    desk.box.connected()
    assert desk.sent() == ["a", "b"]


def test_after_a_lost_connection_what_was_not_acknowledged_goes_out_again_in_order(desk):
    desk.box.connected()
    desk.write("a", "b", "c")
    desk.ack("a")
    desk.box.disconnected()
    desk.sent()
    desk.write("d")
    desk.box.connected()
    assert desk.sent() == ["b", "c", "d"]


def test_a_second_ack_changes_nothing(desk):
    desk.box.connected()
    desk.write("a")
    desk.ack("a", "a")
    assert list(desk.settled) == ["a"]


def test_a_retryable_failure_holds_the_conversation_until_nothing_is_under_way(desk):
    desk.box.connected()
    desk.write("a", "b")
    desk.sent()
    desk.fail("a")
    desk.write("c")
    assert (desk.sent(), desk.later) == ([], [])
    desk.fail("b")
    assert desk.later == [("c", 0.2)]
    desk.box.repeat("c")
    assert desk.sent() == ["a", "b", "c"]


def test_a_failure_of_one_conversation_does_not_hold_another(desk):
    desk.box.connected()
    desk.write("a")
    desk.sent()
    desk.fail("a")
    desk.write("x", conversation="d")
    assert desk.sent() == ["x"]


def test_a_final_refusal_settles_that_message_alone(desk):
    desk.box.connected()
    desk.write("a", "b")
    desk.fail("a", retryable=False)
    desk.ack("b")
    assert isinstance(desk.settled["a"], Refused)
    assert isinstance(desk.settled["b"], Ack)
    assert len(desk.box) == 0


def test_an_error_for_a_message_of_somebody_else_is_not_ours(desk):
    assert desk.fail("nobody's") is False


def test_giving_up_refuses_everything_that_is_left(desk):
    desk.write("a", "b")
    desk.box.abandon(Refused("ended", "signed out"))
    assert [str(result) for result in desk.settled.values()] == ["ended: signed out"] * 2
