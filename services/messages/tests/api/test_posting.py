"""`POST conversations/{id}/messages/`: once, whatever happens; verbatim; refused as a whole."""

from __future__ import annotations

from uuid import uuid4

import pytest
from api_client import outbox

SHAPE = {
    *("id", "conversation", "seq", "client_id", "sender", "body", "html", "reply_to", "attachments", "reactions"),
    *("mentions", "pinned", "created_at", "edited_at", "deleted_at"),
}


def post(someone, conversation, **body):
    return someone.post(f"conversations/{conversation['id']}/messages/", body)


def test_a_message_comes_back_as_it_was_sent(ada):
    group = ada.begin("group")
    client_id = str(uuid4())
    answer = post(ada, group, client_id=client_id, body="  **hello** \n")
    assert answer.status == 201
    message = answer.json
    assert message.keys() == SHAPE
    assert (message["body"], message["html"]) == ("  **hello** \n", "<p><strong>hello</strong></p>")
    assert (message["seq"], message["conversation"], message["client_id"]) == (2, group["id"], client_id)
    assert (message["sender"], message["reply_to"], message["pinned"]) == (ada.named, None, False)
    assert (message["attachments"], message["reactions"], message["mentions"]) == ([], [], [])
    assert (message["edited_at"], message["deleted_at"]) == (None, None)


def test_its_event_and_what_is_published_say_the_same(ada):
    group = ada.begin("group")
    answer = ada.post(
        f"conversations/{group['id']}/messages/", {"client_id": str(uuid4()), "body": "x"}, X_Request_ID="req-0001"
    )
    event = ada.log(group, after=1)[0]
    assert event == {
        "conversation": group["id"],
        "seq": 2,
        "kind": "message.created",
        "at": answer.json["created_at"],
        "actor": str(ada.id),
        "request_id": "req-0001",
        "data": answer.json,
    }
    note = outbox(group["id"])[-1]
    assert note["body"] == {"type": "event", **event}
    assert (note["topic"], note["kind"], note["seq"]) == (f"conv.{group['id']}", "message.created", 2)


def test_a_repeat_answers_with_the_first_message_whatever_its_body(ada):
    group = ada.begin("group")
    client_id = str(uuid4())
    first = post(ada, group, client_id=client_id, body="one")
    again = post(ada, group, client_id=client_id, body="two")
    assert (again.status, again.json) == (200, first.json)
    assert ada.sees(group)["last_seq"] == 2


def test_a_repeat_answers_with_the_message_as_it_is_now(ada):
    group = ada.begin("group")
    client_id = str(uuid4())
    first = post(ada, group, client_id=client_id, body="one").json
    ada.patch(f"messages/{first['id']}/", {"body": "edited"})
    assert post(ada, group, client_id=client_id, body="one").json["body"] == "edited"
    ada.delete(f"messages/{first['id']}/")
    answer = post(ada, group, client_id=client_id, body="one")
    assert (answer.status, answer.json["body"], answer.json["id"]) == (200, None, first["id"])


def test_the_same_client_id_of_another_person_or_elsewhere_is_another_message(ada, grace):
    group, other = ada.begin("group", grace), ada.begin("group")
    client_id = str(uuid4())
    answers = [
        post(who, where, client_id=client_id, body="x") for who, where in ((ada, group), (grace, group), (ada, other))
    ]
    assert [answer.status for answer in answers] == [201, 201, 201]


@pytest.mark.parametrize(
    "body", ["x", "x" * 8_000, "\U0001f600" * 8_000, " x ", "\u200b", "a\r\nb", "\u0001x", "\ufeffx", "\u2028x"]
)
def test_a_body_is_kept_to_the_code_point(ada, body):
    group = ada.begin("group")
    ada.say(group, body)
    assert ada.bodies(group) == [body]
    assert ada.log(group, after=1)[0]["data"]["body"] == body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "blank"),
        (" \t\n\u2003\u00a0", "blank"),
        ("x" * 8_001, "too_long"),
        ("a\0b", "null_characters_not_allowed"),
        (5, "invalid"),
        (None, "null"),
        (["x"], "invalid"),
        (True, "invalid"),
    ],
)
def test_a_body_that_breaks_the_rules_is_refused_and_nothing_changed(ada, body, code):
    group = ada.begin("group")
    answer = post(ada, group, client_id=str(uuid4()), body=body)
    assert (answer.refusal, answer.field_codes) == ((400, "invalid"), {"body": code})
    assert ada.sees(group)["last_seq"] == 1


@pytest.mark.parametrize(
    "client_id",
    [None, 5, "", "x", str(uuid4()).upper(), uuid4().hex, f"{{{uuid4()}}}", f"urn:uuid:{uuid4()}", f"{uuid4()} "],
)
def test_a_client_id_has_one_spelling(ada, client_id):
    answer = post(ada, ada.begin("group"), client_id=client_id, body="x")
    assert answer.refusal == (400, "invalid")
    assert list(answer.field_codes) == ["client_id"]


def test_a_client_id_may_be_of_any_version(ada):
    group = ada.begin("group")
    for client_id in ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        assert post(ada, group, client_id=client_id, body="x").status == 201


def test_unknown_and_missing_fields_are_named(ada):
    group = ada.begin("group")
    answer = post(ada, group, client_id=str(uuid4()), body="x", html="<b>")
    assert (answer.refusal, answer.field_codes) == ((400, "unknown_field"), {"html": "unknown_field"})
    assert post(ada, group, body="x").field_codes == {"client_id": "required"}


def test_a_reply_names_a_message_of_the_same_conversation(ada):
    group, other = ada.begin("group"), ada.begin("group")
    first, foreign = ada.say(group, "question"), ada.say(other, "elsewhere")
    assert ada.say(group, "answer", reply_to=first["id"])["reply_to"] == first["id"]
    for wrong in (foreign["id"], str(uuid4())):
        answer = post(ada, group, client_id=str(uuid4()), body="x", reply_to=wrong)
        assert (answer.refusal, answer.field_codes) == ((400, "invalid"), {"reply_to": "not_found"})


def test_a_reply_to_what_one_can_not_see_is_refused(ada, grace):
    group = ada.begin("group", history="since_joined")
    hidden = ada.say(group, "before")
    ada.add(group, grace)
    answer = post(grace, group, client_id=str(uuid4()), body="x", reply_to=hidden["id"])
    assert answer.field_codes == {"reply_to": "not_found"}


def test_attachments_can_not_be_named_yet_but_none_may_be(ada):
    group = ada.begin("group")
    assert post(ada, group, client_id=str(uuid4()), body="x", attachment_ids=[]).status == 201
    answer = post(ada, group, client_id=str(uuid4()), body="x", attachment_ids=[str(uuid4())])
    assert (answer.refusal, list(answer.field_codes)) == ((400, "invalid"), ["attachment_ids"])


def test_strangers_and_former_members_post_nothing(ada, grace, mallory):
    group = ada.begin("group", grace)
    grace.remove(group, grace)
    for someone in (grace, mallory):
        assert post(someone, group, client_id=str(uuid4()), body="x").refusal == (404, "not_found")
    assert ada.bodies(group) == []


def test_html_can_not_be_smuggled_in(ada):
    group = ada.begin("group")
    for evil in (
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        '[x](https://a.b "onmouseover=alert(1)")',
        '```"><script>alert(1)</script>\nx\n```',
        "[x]: javascript:alert(1)\n\n[x]",
    ):
        html = ada.say(group, evil)["html"]
        assert "<script" not in html
        assert "<img" not in html
        assert 'javascript:alert(1)"' not in html
        assert " onerror=" not in html.replace("&quot;", '"').split(">")[0] or html.startswith("<p>&lt;")
