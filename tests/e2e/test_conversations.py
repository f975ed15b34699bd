"""Journeys of people who talk to each other."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from people import Company, Json, Person

from chatire_client import Wire


async def test_two_people_talk(ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    assert grace.start("direct", ada) == conversation, "one direct conversation per pair, whoever starts it"
    hers, his = await ada.connect(), await grace.connect()

    ack = await hers.say(conversation, "  **Hello** Grace \u2713 \U0001f331 ")
    heard = await his.hears("message.created", seq=ack.seq)
    assert heard.data["id"] == ack.message_id
    assert heard.data["body"] == "  **Hello** Grace \u2713 \U0001f331 "
    assert "<strong>Hello</strong>" in heard.data["html"]
    assert heard.data["sender"]["display_name"] == "Ada"
    answer = await his.say(conversation, "Hello Ada", reply_to=ack.message_id)
    assert (await hers.hears("message.created", seq=answer.seq)).data["reply_to"] == ack.message_id

    assert [m["seq"] for m in ada.history(conversation)] == [ack.seq, answer.seq]
    (listed,) = ada.get("/api/conversations/")["conversations"]
    assert listed["peer"]["id"] == grace.id
    assert listed["last_message"]["body"] == "Hello Ada"


async def test_somebody_who_comes_late_reads_what_was_said_and_hears_what_follows(
    ada: Person, grace: Person, linus: Person
) -> None:
    title = f"Garden {uuid4().hex[:8]}"
    channel = ada.start("channel", grace, title=title, topic="What grows")
    said = [ada.say(channel, f"line {number}")["seq"] for number in range(1, 8)]
    device = await linus.connect()

    (found,) = linus.get("/api/channels/", search=title.split()[1])["channels"]
    assert (found["id"], found["joined"]) == (channel, False)
    assert linus.refused("GET", f"/api/conversations/{channel}/messages/").status == 404
    assert linus.post(f"/api/conversations/{channel}/join/")["role"] == "member"
    assert linus.post(f"/api/conversations/{channel}/join/")["member_count"] == 3
    joined = await device.gets("joined", conversation=channel)
    assert joined["visible_from_seq"] == 1

    assert [message["body"] for message in linus.history(channel)] == [f"line {number}" for number in range(1, 8)]
    path = f"/api/conversations/{channel}/messages/"
    page = linus.get(path, before=str(said[4]), limit="2")
    assert [m["seq"] for m in page["messages"]] == said[2:4]
    assert (page["has_before"], page["has_after"]) == (True, True)
    assert [m["seq"] for m in linus.get(path, after=str(said[4]))["messages"]] == said[5:]
    assert said[3] in [m["seq"] for m in linus.get(path, around=str(said[3]), limit="3")["messages"]]

    later = ada.say(channel, "line 8")
    assert (await device.hears("message.created", body="line 8")).seq == later["seq"]


async def test_a_group_grows_by_an_invitation_and_its_roles_count(ada: Person, grace: Person, linus: Person) -> None:
    group = ada.start("group", title="Roses")
    hers, his = await ada.connect(), await grace.connect()
    invite = ada.post(f"/api/conversations/{group}/invites/", {"max_uses": 1, "expires_in_seconds": 3600})
    assert grace.refused("GET", f"/api/conversations/{group}/").status == 404
    assert grace.post(f"/api/invites/{invite['code']}/accept/")["id"] == group
    assert linus.refused("POST", f"/api/invites/{invite['code']}/accept/").code == "not_found"
    await his.gets("joined", conversation=group)
    added = await hers.hears("member.added")
    assert (added.data["user_id"], added.data["role"]) == (grace.id, "member")

    assert grace.refused("PATCH", f"/api/conversations/{group}/", {"title": "Thorns"}).code == "role_required"
    ada.patch(f"/api/conversations/{group}/members/{grace.id}/", {"role": "admin"})
    await his.hears("member.role_changed")
    assert grace.patch(f"/api/conversations/{group}/", {"title": "Thorns"})["title"] == "Thorns"
    assert (await hers.hears("conversation.updated")).data["title"] == "Thorns"
    assert ada.refused("DELETE", f"/api/conversations/{group}/members/{ada.id}/").code == "last_owner"


async def test_an_edit_reaches_everybody_and_a_deletion_leaves_no_trace(ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    his = await grace.connect()
    secret, message = "the first wording", ada.say(conversation, "the first wording")
    assert grace.refused("PATCH", f"/api/messages/{message['id']}/", {"body": "mine"}).code == "not_author"

    edited = ada.patch(f"/api/messages/{message['id']}/", {"body": "the second wording"})
    assert edited["edited_at"]
    heard = await his.hears("message.edited")
    assert (heard.data["body"], heard.data["seq"]) == ("the second wording", message["seq"])
    assert secret in str(ada.get(f"/api/messages/{message['id']}/edits/"))

    ada.delete(f"/api/messages/{message['id']}/")
    ada.delete(f"/api/messages/{message['id']}/")
    gone = await his.hears("message.deleted")
    assert (gone.data["body"], gone.data["html"]) == (None, None)
    (tombstone,) = grace.history(conversation)
    assert tombstone["body"] is None
    assert tombstone["deleted_at"]
    log = grace.get(f"/api/conversations/{conversation}/events/", after="0")
    assert [event["seq"] for event in log["events"]] == list(range(1, log["last_seq"] + 1))
    assert "wording" not in str(log)
    assert ada.refused("GET", f"/api/messages/{message['id']}/edits/").status == 404


async def test_a_removed_member_hears_of_it_and_nothing_after(ada: Person, grace: Person, linus: Person) -> None:
    group = ada.start("group", grace, linus, title="Roses")
    his, witness = await grace.connect(), await linus.connect()
    await witness.say(group, "before")
    await his.hears("message.created", body="before")

    ada.delete(f"/api/conversations/{group}/members/{grace.id}/")
    removal = await his.hears("member.removed")
    await his.gets("left", conversation=group)
    await witness.say(group, "behind her back")
    await witness.hears("message.created", body="behind her back")
    # A message in another conversation, sent later, comes after anything that could still have leaked.
    direct = ada.start("direct", grace)
    await his.gets("joined", conversation=direct)
    ada.say(direct, "sorry")
    await his.hears("message.created", body="sorry")
    assert max(event.seq for event in his.events if event.conversation == group) == removal.seq

    nothing = grace.refused("GET", f"/api/conversations/{uuid4()}/messages/").body
    there = grace.refused("GET", f"/api/conversations/{group}/messages/").body
    assert there | {"request_id": ""} == nothing | {"request_id": ""}
    wire = await grace.wire()
    await wire.send("send", id=str(uuid4()), conversation=group, body="let me in")
    assert (await asyncio.wait_for(wire.receive(), 5))["code"] == "not_found"
    await wire.send("resume", cursors={group: 1})
    assert (await asyncio.wait_for(wire.receive(), 5)) == {"type": "left", "conversation": group}
    await wire.close()


async def test_what_is_read_on_one_device_is_read_on_the_other(ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    phone, desk = await grace.connect(), await grace.on_another_device().connect()
    seqs = [ada.say(conversation, f"line {number}")["seq"] for number in range(3)]
    deleted = ada.say(conversation, "never mind")
    ada.delete(f"/api/messages/{deleted['id']}/")
    path = f"/api/conversations/{conversation}/"
    assert grace.get(path)["unread_count"] == 3
    assert ada.get(path)["unread_count"] == 0

    phone.live.tell("read", conversation=conversation, seq=seqs[1])
    marked = await desk.gets("read", conversation=conversation)
    assert (marked["user"], marked["seq"]) == (grace.id, seqs[1])
    assert grace.get(path)["unread_count"] == 1
    assert grace.post(f"{path}read/", {"seq": seqs[0]})["read_seq"] == seqs[1], "it never goes back"
    assert grace.post(f"{path}read/", {"seq": 10_000})["read_seq"] == grace.get(path)["last_seq"]
    assert grace.get(path)["unread_count"] == 0
    grace.say(conversation, "read it all")
    assert grace.get(path)["unread_count"] == 0


async def test_typing_is_seen_by_the_others_alone(company: Company, ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    hers, second, his = await ada.connect(), await ada.on_another_device().connect(), await grace.connect()
    stranger = await company.hire("margaret").connect()
    hers.live.tell("typing", conversation=conversation, state=True)
    seen = await his.gets("typing", conversation=conversation)
    assert (seen["user"], seen["state"]) == (ada.id, True)
    ada.say(conversation, "there")
    for device in (hers, second, his):
        await device.hears("message.created", body="there")
    told = [device for device in (hers, second, stranger) if any(f["type"] == "typing" for f in device.frames)]
    assert told == []


async def test_a_message_sent_twice_is_one_message(ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    his, client_id = await grace.connect(), str(uuid4())
    fields = {"client_id": client_id, "body": "once"}
    path = f"/api/conversations/{conversation}/messages/"
    wires = [await ada.wire() for _ in range(3)]
    for wire in wires:
        await wire.send("send", id=client_id, conversation=conversation, body="once")
    over_http = await asyncio.gather(*(asyncio.to_thread(ada.post, path, fields) for _ in range(3)))
    acks = [await _ack(wire) for wire in wires]
    again = ada.post(path, fields | {"body": "another text, the same id"})

    (message,) = grace.history(conversation)
    assert {answer["id"] for answer in (*over_http, again)} == {message["id"]}
    assert {(ack["message_id"], ack["seq"]) for ack in acks} == {(message["id"], message["seq"])}
    assert again["body"] == "once"
    last = ada.say(conversation, "last")
    await his.hears("message.created", seq=last["seq"])
    assert his.bodies(conversation) == ["once", "last"]
    for wire in wires:
        await wire.close()


async def _ack(wire: Wire) -> Json:
    async with asyncio.timeout(10):
        while (frame := await wire.receive())["type"] != "ack":
            pass
    return frame


async def test_after_a_lost_line_everything_missed_is_there(ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    his = await grace.connect()
    first = ada.say(conversation, "you there?")
    await his.hears("message.created", seq=first["seq"])
    his.live.cut()
    await his.until(lambda: bool(his.closes), "the loss of the line")
    missed = [ada.say(conversation, f"missed {number}")["seq"] for number in range(150)]
    group = ada.start("group", grace, title="Made while he was away")
    his.live.restore()
    await his.hears("message.created", seq=missed[-1])
    assert his.bodies(conversation) == ["you there?", *(f"missed {number}" for number in range(150))]
    ada.say(group, "hello again")
    await his.hears("message.created", body="hello again")
    assert not any(frame["type"] == "resync" for frame in his.frames)
