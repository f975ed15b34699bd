"""A story told through the API and written down, with ids and times that are the same whenever it is told.

`tests/contract/samples/law.json` is what comes out: the clients' reducers are held against it in their own languages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api_client import JSON, Someone
from gateway_client import Gateway

RECORDED = Path(__file__).parents[3] / "tests" / "contract" / "samples" / "law.json"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
Deed = tuple[str, Callable[[], Any]]


class Story:
    """One conversation's life, told by deeds; after each of them everybody's view and the new events are kept."""

    def __init__(self, gateway: Gateway, conversation: JSON, people: list[Someone]) -> None:
        """Begin with a conversation that was just made."""
        self._gateway = gateway
        self._id = conversation["id"]
        self._people = people
        self._conversation = conversation
        self._events: list[JSON] = []
        self._steps: list[JSON] = []
        self._look("begin")

    def tell(self, deeds: list[Deed]) -> JSON:
        """Do them one after the other; what was recorded, as it is committed to the repository."""
        for name, do in deeds:
            answer = do()
            assert getattr(answer, "status", 200) < 400, f"{name}: {answer.text}"
            self._look(name)
        people = {person.username: str(person.id) for person in self._people}
        told = {"people": people, "steps": self._steps, "events": self._events, "log": self._log(0)}
        return dict(json.loads(_steady(json.dumps(told, ensure_ascii=False))))

    def _look(self, name: str) -> None:
        """Keep what is new: the events as they went out, before a later deletion takes their text away."""
        new = self._log(len(self._events))
        self._events += new
        assert [event["seq"] for event in self._events] == list(range(1, len(self._events) + 1))
        views = {person.username: self._view(person) for person in self._people}
        self._steps.append({"deed": name, "seq": len(self._events), "views": views})

    def _log(self, after: int) -> list[JSON]:
        """Asked as a gateway does, who reads also what members may read no more: the last event of all."""
        wanted = {"conversation": self._id, "after": after, "limit": 500}
        (answer,) = self._gateway.ask("/internal/events/ranges/", {"ranges": [wanted]})["ranges"]
        frames = [json.loads(body) for body in answer["bodies"]]
        return [{name: value for name, value in frame.items() if name != "type"} for frame in frames]

    def _view(self, person: Someone) -> JSON | None:
        """What a client fetches by HTTP when it knows nothing yet; None for who may not."""
        path = f"conversations/{self._id}/"
        if person.get(path).status == 404:
            return None
        page = person.get(f"{path}messages/?limit=200").json
        members = person.get(f"{path}members/").json["members"]
        return {"conversation": person.sees(self._conversation), "members": members, "page": page}


def _steady(text: str) -> str:
    """The same text for the same story: ids numbered as they appear, times as they follow each other, no request ids."""
    ids: dict[str, str] = {}
    times = {time: number for number, time in enumerate(sorted(set(_TIME.findall(text))))}
    text = _UUID.sub(lambda found: ids.setdefault(found[0], f"00000000-0000-7000-8000-{len(ids) + 1:012x}"), text)
    text = _TIME.sub(lambda found: f"2026-11-23T09:{times[found[0]] // 60:02}:{times[found[0]] % 60:02}.000000Z", text)
    return re.sub(r'"request_id": "[^"]*"', '"request_id": "req-recorded"', text)


def written(story: JSON) -> str:
    """The file's text: a line for each event and for each view, so that a difference can be read."""
    steps = [
        f'{{"deed": {_line(step["deed"])}, "seq": {step["seq"]}, "views": {{\n{_views(step)}}}}}'
        for step in story["steps"]
    ]
    lists = [f'"{name}": [\n{_lines([_line(event) for event in story[name]])}]' for name in ("events", "log")]
    parts = [f'"people": {_line(story["people"])}', f'"steps": [\n{_lines(steps)}]', *lists]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _views(step: JSON) -> str:
    return _lines([f'"{name}": {_line(view)}' for name, view in step["views"].items()])


def _lines(items: list[str]) -> str:
    return ",\n".join(items) + "\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
