"""As much of messages as the gateway calls, over logs in memory, and the relay's part of it (docs/internal.md, "messages").

By hand: `python -m chatire_shared.testing.alone` starts it, and a service beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatire_shared.bus.groups import user_group
from chatire_shared.contracts import envelopes
from chatire_shared.contracts.errors import ChatireError, Invalid, NotFound, Unauthenticated
from chatire_shared.identity.principal import Principal
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.fake_conversations import Conversations, Log
from chatire_shared.testing.fake_service import JSON, Call, FakeService, count_in, each, id_in, list_in

BODY_MAX = 8_000
MAX_ITEMS, MAX_RANGES, MAX_EVENTS, MAX_HEADS, MAX_PEOPLE = 500, 100, 500, 2_000, 200


class FakeMessages(Conversations, FakeService):
    """Knows what it is told; says it to Redis like a relay, if it has one."""

    def __init__(
        self, tokens: Verifier, service_keys: Mapping[str, Any], redis_url: str | None = None, port: int = 0
    ) -> None:
        """Listen.

        Args:
            tokens: Verifies people's access tokens.
            service_keys: JWK set of the services that may call.
            redis_url: Where events and notes are published; nowhere without it.
            port: 0 for any that is free.
        """
        Conversations.__init__(self, redis_url)
        self._tokens = tokens
        FakeService.__init__(self, "messages", service_keys, port)

    def close(self) -> None:
        """Stop serving."""
        super().close()
        if self.publisher is not None:
            self.publisher.close()

    def route(self, call: Call) -> JSON:
        """The answer to a call."""
        parts = call.path.split("/")
        if call.caller != "gateway":
            raise NotFound
        if call.method == "GET" and parts[1:3] + parts[4:] == ["internal", "users", "memberships", ""]:
            with self.lock:
                return {"v": 1, **self._memberships(parts[3])}
        answer = {
            "/internal/messages/batch/": self._batch,
            "/internal/reads/": self._reads,
            "/internal/memberships/": self._memberships_of_many,
            "/internal/events/ranges/": self._ranges,
            "/internal/heads/": self._heads,
        }.get(call.path)
        if call.method != "POST" or answer is None:
            raise NotFound
        with self.lock:
            return {"v": 1, **answer(call.body)}

    def _memberships(self, user: str) -> JSON:
        conversations = [
            {
                "id": log.id,
                "kind": "group",
                "epoch": log.epoch,
                "visible_from_seq": log.members[user],
                "last_seq": log.last_seq,
                "read_seq": log.read[user],
            }
            for log in self.logs.values()
            if user in log.members
        ]
        return {"user": user, "membership_version": self.versions.get(user, 0), "conversations": conversations}

    def _memberships_of_many(self, body: JSON) -> JSON:
        users = [id_in(value, "users") for value in list_in(body, "users", MAX_PEOPLE)]
        return {"memberships": [self._memberships(user) for user in users]}

    def _batch(self, body: JSON) -> JSON:
        bearers = self._bearers(body)
        return {
            "results": each(
                list_in(body, "items", MAX_ITEMS), lambda item: self._post_item(_bearer(item, bearers), item)
            )
        }

    def _post_item(self, sender: Principal, item: JSON) -> JSON:
        conversation, client_id = (id_in(item.get(name), name) for name in ("conversation", "client_id"))
        _require_body(item.get("body"))
        log = self._log_of(conversation, str(sender.user_id))
        created = (str(sender.user_id), client_id) not in log.sent
        if created:
            named = {"id": str(sender.user_id), "username": sender.username, "display_name": sender.display_name}
            self.post(log, named, item)
        seq, message_id = log.sent[str(sender.user_id), client_id]
        posted = {"client_id": client_id, "conversation": conversation, "seq": seq, "message_id": message_id}
        return {"ok": True, "created": created, **posted}

    def _reads(self, body: JSON) -> JSON:
        bearers = self._bearers(body)
        return {
            "results": each(list_in(body, "items", MAX_ITEMS), lambda item: self._mark(_bearer(item, bearers), item))
        }

    def _mark(self, reader: Principal, item: JSON) -> JSON:
        user, seq = str(reader.user_id), count_in(item.get("seq"), "seq")
        log = self._log_of(id_in(item.get("conversation"), "conversation"), user)
        before, log.read[user] = log.read[user], max(log.read[user], min(seq, log.last_seq))
        if log.read[user] != before:
            note = envelopes.read(user=user, conversation=log.id, seq=log.read[user], origin=item.get("origin"))
            self.publish(user_group(user), note)
        return {"ok": True, "read_seq": log.read[user]}

    def _ranges(self, body: JSON) -> JSON:
        return {"ranges": [self._range(wanted) for wanted in list_in(body, "ranges", MAX_RANGES)]}

    def _range(self, wanted: Any) -> JSON:
        if not isinstance(wanted, dict):
            raise Invalid.field("ranges", "invalid", "Send objects.")
        after, limit = count_in(wanted.get("after"), "after"), count_in(wanted.get("limit", MAX_EVENTS), "limit")
        conversation = id_in(wanted.get("conversation"), "ranges")
        log = self.logs.get(conversation)
        answer = {"conversation": conversation, "expired": False}
        if log is None:
            return answer | {"epoch": None, "last_seq": 0, "bodies": []}
        bodies = log.bodies[after : after + min(limit, MAX_EVENTS)]
        return answer | {"epoch": log.epoch, "last_seq": log.last_seq, "bodies": bodies}

    def _heads(self, body: JSON) -> JSON:
        wanted = [id_in(value, "conversations") for value in list_in(body, "conversations", MAX_HEADS)]
        users = [id_in(value, "users") for value in list_in(body, "users", MAX_HEADS)]
        logs = [self.logs[conversation] for conversation in wanted if conversation in self.logs]
        return {
            "heads": {log.id: {"last_seq": log.last_seq, "epoch": log.epoch} for log in logs},
            "membership_versions": {user: self.versions[user] for user in users if user in self.versions},
        }

    def _bearers(self, body: JSON) -> list[Principal | ChatireError]:
        return [self._verify(token) for token in list_in(body, "tokens", MAX_ITEMS)]

    def _verify(self, token: Any) -> Principal | ChatireError:
        try:
            return self._tokens.verify(token) if isinstance(token, str) else Unauthenticated()
        except ChatireError as error:
            return error

    def _log_of(self, conversation: str, user: str) -> Log:
        log = self.logs.get(conversation)
        if log is None or user not in log.members:
            raise NotFound
        return log


def _bearer(item: Any, bearers: list[Principal | ChatireError]) -> Principal:
    index = item.get("token") if isinstance(item, dict) else None
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(bearers):
        raise Unauthenticated
    bearer = bearers[index]
    if isinstance(bearer, ChatireError):
        raise bearer
    return bearer


def _require_body(body: Any) -> None:
    if not isinstance(body, str) or not body or body.isspace() or len(body) > BODY_MAX or "\0" in body:
        raise Invalid.field("body", "invalid", f"Write 1 to {BODY_MAX} characters.")
