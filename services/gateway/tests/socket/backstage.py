"""Auth and messages as the gateway knows them: a real HTTP server with the internal contract over a log in memory."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

from chatire_shared.bus.groups import conversation_group, user_group
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.contracts import envelopes
from chatire_shared.identity.service_tokens import ServiceVerifier
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint


class Backstage(ThreadingHTTPServer):
    """What is true, and a relay that can be told to lose things."""

    daemon_threads = True

    def __init__(self, redis_url: str, gateway_key: TokenMint) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mint = TokenMint()
        self.tokens = Verifier(self.mint, issuer="chatire", audience="chatire")
        self.callers = {
            name: ServiceVerifier(name, {"gateway": gateway_key.private_key.public_key()})
            for name in ("auth", "messages")
        }
        self.publisher = LayerPublisher(redis_url)
        self.lock = threading.RLock()
        self.logs: dict[str, list[str]] = {}
        self.members: dict[str, dict[str, int]] = {}
        self.read: dict[tuple[str, str], int] = {}
        self.versions: dict[str, int] = {}
        self.epoch = str(uuid4())
        self.client_ids: dict[tuple[str, str, str], int] = {}
        self.changes: list[dict[str, Any]] = []
        self.silent = False
        self.away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def token(self, user: UUID, **claims: Any) -> str:
        return self.mint.access(user, **claims)

    def begin(self, *users: UUID) -> str:
        """A conversation of these people."""
        conversation = str(uuid4())
        with self.lock:
            self.logs[conversation], self.members[conversation] = [], {}
        for user in users:
            self.add(conversation, user)
        return conversation

    def add(self, conversation: str, user: UUID) -> None:
        with self.lock:
            name = str(user)
            seq = self._append(conversation, "member.added", {"user_id": name, "username": "x", "role": "member"})
            self.members[conversation][name] = 1
            self._note(
                "joined", conversation, name, seq, visible_from_seq=1, conversation_kind="group", epoch=self.epoch
            )

    def remove(self, conversation: str, user: UUID) -> None:
        with self.lock:
            name = str(user)
            data = {"user_id": name, "username": "x", "role": "member"}
            seq = self._append(conversation, "member.removed", data)
            del self.members[conversation][name]
            self._note("left", conversation, name, seq)

    def say(self, conversation: str, body: str) -> int:
        with self.lock:
            return self._append(conversation, "message.created", {"body": body})

    def revoke(self, session: str, user: UUID) -> None:
        data = {"user_id": str(user), "session_id": session}
        self.changes.append({"id": len(self.changes) + 1, "kind": "session.revoked", "at": "", "data": data})

    def tick(self) -> None:
        """What the relay says each second."""
        with self.lock:
            heads = [[name, len(log)] for name, log in self.logs.items()]
            members = [[user, version] for user, version in self.versions.items()]
        self._publish([("tick", envelopes.tick(relay=self.epoch, n=1, heads=heads, members=members))])

    def _publish(self, items: list[tuple[str, dict[str, Any]]]) -> None:
        """Like a relay that never tries again: what Redis doesn't take is lost."""
        with contextlib.suppress(BusUnavailable):
            self.publisher.publish_many(items)

    def _append(self, conversation: str, kind: str, data: dict[str, Any]) -> int:
        log = self.logs[conversation]
        seq = len(log) + 1
        event = {
            "type": "event",
            "conversation": conversation,
            "seq": seq,
            "kind": kind,
            "at": "2026-01-01T00:00:00.000000Z",
        }
        log.append(
            json.dumps(event | {"actor": str(UUID(int=1)), "request_id": None, "data": data}, separators=(",", ":"))
        )
        if not self.silent:
            message = envelopes.event(
                kind=kind, conversation=conversation, seq=seq, epoch=self.epoch, at_us=1, body=log[-1].encode()
            )
            self._publish([(conversation_group(conversation), message)])
        return seq

    def _note(self, kind: str, conversation: str, user: str, seq: int, **fields: Any) -> None:
        self.versions[user] = version = self.versions.get(user, 0) + 1
        note = envelopes.joined if kind == "joined" else envelopes.left
        message = note(user=user, conversation=conversation, seq=seq, membership_version=version, **fields)
        if not self.silent:
            self._publish([(user_group(user), message)])

    # The contract of docs/internal.md

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        with self.lock:
            if path == "/api/auth/.well-known/jwks.json":
                return self.mint.jwks()
            if path.startswith("/internal/changes/"):
                after = int(path.partition("after=")[2].partition("&")[0] or 0)
                return {"v": 1, "changes": [c for c in self.changes if c["id"] > after], "latest": len(self.changes)}
            if path.endswith("/memberships/"):
                return self._memberships(path.split("/")[3])
            return {
                "/internal/messages/batch/": self._batch,
                "/internal/reads/": self._reads,
                "/internal/events/ranges/": self._ranges,
                "/internal/heads/": self._heads,
            }[path](body)

    def _memberships(self, user: str) -> dict[str, Any]:
        own = [name for name, members in self.members.items() if user in members]
        conversations = [
            {
                "id": name,
                "kind": "group",
                "epoch": self.epoch,
                "visible_from_seq": self.members[name][user],
                "last_seq": len(self.logs[name]),
                "read_seq": self.read.get((name, user), 0),
            }
            for name in own
        ]
        return {"v": 1, "user": user, "membership_version": self.versions.get(user, 0), "conversations": conversations}

    def _batch(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"v": 1, "results": [self._post(body["tokens"][item["token"]], item) for item in body["items"]]}

    def _post(self, token: str, item: dict[str, Any]) -> dict[str, Any]:
        user, conversation = str(self.tokens.verify(token).user_id), item["conversation"]
        if user not in self.members.get(conversation, {}):
            return {"ok": False, "code": "not_found", "detail": "no", "retryable": False}
        key = (conversation, user, item["client_id"])
        created = key not in self.client_ids
        if created:
            self.client_ids[key] = self._append(conversation, "message.created", {"body": item["body"]})
        seq = self.client_ids[key]
        return {
            "ok": True,
            "created": created,
            "seq": seq,
            "message_id": str(UUID(int=seq)),
            "client_id": item["client_id"],
        }

    def _reads(self, body: dict[str, Any]) -> dict[str, Any]:
        results = []
        for item in body["items"]:
            user = str(self.tokens.verify(body["tokens"][item["token"]]).user_id)
            self.read[item["conversation"], user] = item["seq"]
            note = envelopes.read(user=user, conversation=item["conversation"], seq=item["seq"], origin=item["origin"])
            self._publish([(user_group(user), note)])
            results.append({"ok": True, "read_seq": item["seq"]})
        return {"v": 1, "results": results}

    def _ranges(self, body: dict[str, Any]) -> dict[str, Any]:
        ranges = []
        for wanted in body["ranges"]:
            log = self.logs.get(wanted["conversation"])
            bodies = [] if log is None else log[wanted["after"] : wanted["after"] + wanted["limit"]]
            ranges.append(
                {
                    "conversation": wanted["conversation"],
                    "epoch": None if log is None else self.epoch,
                    "last_seq": len(log or ()),
                    "expired": False,
                    "bodies": bodies,
                }
            )
        return {"v": 1, "ranges": ranges}

    def _heads(self, body: dict[str, Any]) -> dict[str, Any]:
        heads = {
            name: {"last_seq": len(self.logs[name]), "epoch": self.epoch}
            for name in body["conversations"]
            if name in self.logs
        }
        return {
            "v": 1,
            "heads": heads,
            "membership_versions": {user: self.versions.get(user, 0) for user in body["users"]},
        }


class _Handler(BaseHTTPRequestHandler):
    server: Backstage
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/internal/"):
            callee = "auth" if self.path.startswith("/internal/changes/") else "messages"
            self.server.callers[callee].verify(self.headers["Authorization"].removeprefix("Bearer "))
        away = self.server.away and "/changes/" not in self.path and "jwks" not in self.path
        answer = b"{}" if away else json.dumps(self.server.answer(self.path, json.loads(body or b"{}"))).encode()
        self.send_response(503 if away else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _serve  # noqa: N815 (the names of http.server)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
