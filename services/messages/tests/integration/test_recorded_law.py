"""The recorded story that all clients' reducers are held against is what this service really answers."""

from __future__ import annotations

import os
import re
from pathlib import Path

from api_client import JSON, Answer, Someone
from gateway_client import Gateway
from recording import RECORDED, Deed, Story, written

import messages_service
from messages_service.conversations.rules.kinds import EventKind

SOURCES = Path(messages_service.__file__).parent


def deeds_of(ada: Someone, grace: Someone, linus: Someone, group: JSON) -> list[Deed]:
    """Every kind of event in some of its forms; what a later deed is about is looked up when it is its turn."""
    path = f"conversations/{group['id']}/"

    def message(number: int) -> str:
        return f"messages/{ada.history(group, 'limit=200')[number]['id']}/"

    def answer_to(number: int) -> JSON:
        return linus.say(group, "an *answer*", reply_to=ada.history(group)[number]["id"])

    def rewrite(who: Someone, number: int, body: str) -> Answer:
        return who.patch(message(number), {"body": body})

    return [
        ("ada posts", lambda: ada.say(group, "**first** 🌱")),
        ("grace posts, and names ada", lambda: grace.say(group, "hello @ada")),
        ("ada posts, and names grace", lambda: ada.say(group, "hello @grace")),
        ("ada edits what is not the last message", lambda: rewrite(ada, 0, "first, *better*")),
        ("ada adds linus", lambda: ada.add(group, linus)),
        ("linus posts", lambda: linus.say(group, "here I am")),
        ("linus answers", lambda: answer_to(0)),
        ("linus edits the last message, and names ada", lambda: rewrite(linus, -1, "an answer to @ada")),
        ("ada makes grace an admin", lambda: ada.make(group, grace, "admin")),
        ("ada renames the group", lambda: ada.patch(path, {"title": "Looms"})),
        ("ada sets title and topic", lambda: ada.patch(path, {"title": "Looms 2", "topic": "punched cards"})),
        ("ada clears the topic", lambda: ada.patch(path, {"topic": ""})),
        ("grace deletes what linus posted", lambda: grace.delete(message(-2))),
        ("linus deletes the last message", lambda: linus.delete(message(-1))),
        ("ada posts twice", lambda: [ada.say(group, text) for text in ("one", "two")]),
        ("ada edits one of them twice", lambda: [rewrite(ada, -2, text) for text in ("1", "I")][-1]),
        ("ada removes linus", lambda: ada.remove(group, linus)),
        ("grace posts", lambda: grace.say(group, "where is he?")),
        ("ada adds linus again", lambda: ada.add(group, linus)),
        (
            "ada makes grace a member, then an owner",
            lambda: [ada.make(group, grace, r) for r in ("member", "owner")][-1],
        ),
        ("linus leaves", lambda: linus.remove(group, linus)),
        ("ada steps down", lambda: ada.make(group, ada, "member")),
        ("grace deletes the group", lambda: grace.delete(path)),
    ]


def test_the_recorded_law_is_what_the_service_answers(
    ada: Someone, grace: Someone, linus: Someone, gateway: Gateway
) -> None:
    """CHATIRE_RECORD=1 writes it anew; the difference shows what clients will have to cope with."""
    group = ada.begin("group", grace, title="Engines", topic="steam")
    story = written(Story(gateway, group, [ada, grace, linus]).tell(deeds_of(ada, grace, linus, group)))
    if os.environ.get("CHATIRE_RECORD") == "1":
        RECORDED.write_text(story, encoding="utf-8")
    assert story == RECORDED.read_text(encoding="utf-8")


def test_every_kind_that_this_service_can_write_is_in_the_recorded_law() -> None:
    files = (file for file in SOURCES.rglob("*.py") if file.name != "kinds.py")
    used = set(re.findall(r"EventKind\.([A-Z_]+)", "\n".join(file.read_text(encoding="utf-8") for file in files)))
    recorded = set(re.findall(r'"kind":"([a-z_]+\.[a-z_]+)"', RECORDED.read_text(encoding="utf-8")))
    assert {EventKind[name].value for name in used} == recorded
    assert len(recorded) >= 8
