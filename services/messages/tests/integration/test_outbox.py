"""What is written for the relay: in the same transaction, the envelopes of docs/internal.md to the letter, or nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from api_client import Someone, outbox
from django.db import connection, transaction

from chatire_shared.bus import wire
from chatire_shared.bus.groups import BELL_CHANNEL
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.outbox.models import OutboxRow
from messages_service.conversations.models import Conversation, Event
from messages_service.conversations.services.members import remove_member
from messages_service.people.models import Person
from messages_service.timeline.services.editing import delete_message, edit_message
from messages_service.timeline.services.posting import NewMessage, post_messages

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 9, 30, 0, 123_456, UTC)


def raw(stream: str) -> list[dict[str, Any]]:
    rows = OutboxRow.objects.filter(stream=stream).order_by("id")
    return [wire.decode(bytes(row.payload)) | {"topic": row.topic, "row_seq": row.seq} for row in rows]


def forget() -> None:
    OutboxRow.objects.all().delete()


def test_an_event_goes_to_its_conversation_with_the_clients_frame(ada: Someone) -> None:
    group = ada.begin("group")
    forget()
    new = NewMessage(
        conversation=str(Conversation.objects.get().id), sender=str(ada.id), client_id=str(ada.id), body="größe 😀"
    )
    (posted,) = post_messages(items=[new], now=NOW)
    (note,) = raw(group["id"])
    body = note.pop("body")
    assert note == {
        "topic": f"conv.{group['id']}",
        "row_seq": 2,
        "type": "chatire.event",
        "v": 1,
        "kind": "message.created",
        "conversation": group["id"],
        "seq": 2,
        "epoch": group["epoch"],
        "at_us": 1_795_426_200_123_456,
    }
    assert isinstance(body, bytes)
    frame = json.loads(body)
    assert frame.pop("type") == "event"
    assert frame == ada.log(group)[-1]
    assert frame["at"] == "2026-11-23T09:30:00.123456Z"
    assert "größe 😀".encode() in body
    assert posted.shape == frame["data"]


ODD = "".join(map(chr, range(1, 32))) + "\"\\/'%s{}$1\x7f\x85\u2028\u2029\ufeff😀 größe"


@pytest.mark.django_db(transaction=True)
def test_what_is_published_at_once_is_what_the_outbox_has_and_what_a_replay_shows(
    ada: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python composes the one, PostgreSQL the others: no character may be written differently."""
    group = ada.begin("group")
    Person.objects.filter(id=ada.id).update(display_name=ODD[-30:])
    forget()
    announced: list[Any] = []
    monkeypatch.setattr(LayerPublisher, "announce", lambda _self, items: announced.extend(items))
    reply_to = ada.say(group, "x")["id"]
    new = NewMessage(group["id"], str(ada.id), str(ada.id), ODD, reply_to=reply_to, request_id="request-7")
    post_messages(items=[new, new._replace(client_id=str(uuid4()), reply_to=None, request_id=None)], now=NOW)
    notes = [wire.decode(payload) | {"topic": topic, "row_seq": None} for _, topic, payload in announced]
    kept = [note | {"row_seq": None} for note in raw(group["id"])]
    assert notes == kept
    assert len(notes) == 3
    for note, event in zip(notes, Event.objects.filter(kind="message.created").order_by("seq"), strict=True):
        assert note["body"].endswith(f'"data":{event.data}}}'.encode())


def test_who_joins_is_told_after_the_event_that_makes_it_so(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", history="since_joined")
    forget()
    ada.add(group, grace)
    event, note = raw(group["id"])
    assert (event["type"], event["kind"], event["seq"]) == ("chatire.event", "member.added", 2)
    assert note == {
        "topic": f"user.{grace.id}",
        "row_seq": None,
        "type": "chatire.member",
        "v": 1,
        "kind": "joined",
        "user": str(grace.id),
        "conversation": group["id"],
        "seq": 2,
        "visible_from_seq": 2,
        "conversation_kind": "group",
        "epoch": group["epoch"],
        "membership_version": 1,
    }


def test_who_leaves_is_told_after_the_event_that_makes_it_so(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    forget()
    ada.remove(group, grace)
    event, note = raw(group["id"])
    assert (event["kind"], event["seq"]) == ("member.removed", 3)
    assert note == {
        "topic": f"user.{grace.id}",
        "row_seq": None,
        "type": "chatire.member",
        "v": 1,
        "kind": "left",
        "user": str(grace.id),
        "conversation": group["id"],
        "seq": 3,
        "membership_version": 2,
    }


def test_everybody_is_told_of_a_conversations_end(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    forget()
    ada.delete(f"conversations/{group['id']}/")
    event, *notes = raw(group["id"])
    assert (event["kind"], event["seq"], json.loads(event["body"])["data"]) == ("conversation.deleted", 3, {})
    assert {(note["topic"], note["kind"], note["seq"]) for note in notes} == {
        (f"user.{someone.id}", "left", 3) for someone in (ada, grace)
    }


def test_every_kind_of_deed_has_its_event_in_the_outbox(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group")
    ada.add(group, grace)
    ada.make(group, grace, "admin")
    message = ada.say(group, "x")
    ada.patch(f"messages/{message['id']}/", {"body": "y"})
    ada.delete(f"messages/{message['id']}/")
    ada.patch(f"conversations/{group['id']}/", {"title": "Looms"})
    ada.remove(group, grace)
    events = [note for note in raw(group["id"]) if note["type"] == "chatire.event"]
    assert [note["kind"] for note in events] == [event["kind"] for event in ada.log(group)]
    assert [{"type": "event", **event} for event in ada.log(group)] == [json.loads(note["body"]) for note in events]


def test_a_deletion_rewrites_what_is_not_published_yet_parked_or_not(ada: Someone) -> None:
    group = ada.begin("group")
    message = ada.say(group, "s3cret one")
    ada.patch(f"messages/{message['id']}/", {"body": "s3cret two"})
    OutboxRow.objects.filter(seq=2).update(parked_at=NOW)
    before = [(note["seq"], note["kind"], note["at_us"]) for note in raw(group["id"]) if "body" in note]
    delete_message(message_id=Event.objects.get(seq=2).message_id, actor_id=ada.id, now=NOW, request_id=None)
    notes = [note for note in raw(group["id"]) if "body" in note]
    assert [(note["seq"], note["kind"], note["at_us"]) for note in notes[:-1]] == before
    for note in notes[1:]:
        data = json.loads(note["body"])["data"]
        assert (data["body"], data["html"], data["deleted_at"]) == (None, None, "2026-11-23T09:30:00.123456Z")
    assert b"s3cret" not in b"".join(bytes(row.payload) for row in OutboxRow.objects.all())


@pytest.mark.parametrize("deed", ["post", "edit", "delete", "remove"])
def test_what_is_rolled_back_leaves_nothing(ada: Someone, grace: Someone, deed: str) -> None:
    group = ada.begin("group", grace)
    message = ada.say(group, "x")
    ids = Event.objects.get(seq=3)
    before = (outbox(), ada.log(group), ada.sees(group), ada.history(group))

    def do() -> None:
        with transaction.atomic():
            if deed == "post":
                new = NewMessage(
                    conversation=str(ids.conversation_id), sender=str(ada.id), client_id=str(grace.id), body="y"
                )
                post_messages(items=[new], now=NOW)
            elif deed == "edit":
                edit_message(message_id=ids.message_id, actor_id=ada.id, body="y", now=NOW, request_id=None)
            elif deed == "delete":
                delete_message(message_id=ids.message_id, actor_id=ada.id, now=NOW, request_id=None)
            else:
                remove_member(
                    conversation_id=ids.conversation_id, actor_id=ada.id, user_id=grace.id, now=NOW, request_id=None
                )
            assert outbox() != before[0]
            raise RuntimeError(message["id"])

    with pytest.raises(RuntimeError):
        do()
    assert (outbox(), ada.log(group), ada.sees(group), ada.history(group)) == before


def test_what_changes_nothing_says_nothing(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace, title="Engines")
    message = ada.say(group, "x")
    forget()
    ada.add(group, grace)
    ada.make(group, grace, "member")
    ada.patch(f"messages/{message['id']}/", {"body": "x"})
    ada.patch(f"conversations/{group['id']}/", {"title": "Engines"})
    ada.post(f"conversations/{group['id']}/read/", {"seq": 1})
    ada.post(f"conversations/{group['id']}/messages/", {"client_id": message["client_id"], "body": "z"})
    assert outbox() == []


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_the_row_is_there_then(
    transactional_db: None, ada: Someone, settings: Any
) -> None:
    import redis

    with redis.Redis.from_url(settings.CHATIRE_REDIS_URL) as client, client.pubsub() as ear:
        ear.subscribe(BELL_CHANNEL)
        assert ear.get_message(timeout=5)["type"] == "subscribe"
        ada.begin("group")
        assert ear.get_message(timeout=5)["type"] == "message"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_row")
        assert cursor.fetchone() == (2,)
    assert Person.objects.get(id=ada.id).membership_version == 1
