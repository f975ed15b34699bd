from chatire_client.events import Arrival, Cursors, Event


def said(seq, conversation="c"):
    return Event(conversation, seq, "message.created", None, {})


def ready(**fields):
    return [{"id": "c", "epoch": "e", "last_seq": 7, "visible_from_seq": 1, "read_seq": 0} | fields]


def test_a_conversation_without_a_cursor_goes_on_from_the_head_that_ready_tells():
    cursors = Cursors()
    cursors.on_ready(ready())
    assert cursors.arrive(said(8)) is Arrival.NEXT


def test_a_cursor_survives_ready_so_that_the_replay_fits():
    cursors = Cursors()
    cursors.on_ready(ready())
    cursors.on_ready(ready(last_seq=20))
    assert cursors.latest("c") == 7


def test_a_repeated_event_and_a_hole_are_told_apart():
    cursors = Cursors()
    cursors.place("c", 4)
    assert [cursors.arrive(said(seq)) for seq in (5, 5, 3, 7, 8)] == [
        Arrival.NEXT,
        Arrival.DUPLICATE,
        Arrival.DUPLICATE,
        Arrival.GAP,
        Arrival.NEXT,
    ]


def test_a_cursor_below_what_one_may_see_counts_as_the_one_before_it():
    cursors = Cursors()
    cursors.place("c", 3)
    cursors.on_ready(ready(last_seq=20, visible_from_seq=11))
    assert cursors.arrive(said(11)) is Arrival.NEXT


def test_after_left_there_is_no_cursor_to_resume_from():
    cursors = Cursors()
    cursors.on_ready(ready())
    cursors.forget("c")
    assert cursors.chunks() == [{"cursors": {}, "epochs": {}}]


def test_cursors_go_out_with_their_epochs_at_most_500_a_frame():
    cursors = Cursors()
    for number in range(1001):
        cursors.place(f"c{number}", number)
    cursors.on_ready(ready(id="c1000"))
    chunks = cursors.chunks()
    assert [len(chunk["cursors"]) for chunk in chunks] == [500, 500, 1]
    assert chunks[2] == {"cursors": {"c1000": 1000}, "epochs": {"c1000": "e"}}
