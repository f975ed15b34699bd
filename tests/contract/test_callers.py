"""Our callers against the fakes: what each asks is in the tables of exchanges, and it understands what it is answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import requests
from exchanges import auth, messages
from exchanges.messages_stages import RealStage
from houses import House, living_in

from chatire_shared.clients.service import ServiceClient
from chatire_shared.contracts.errors import TokenRevoked, Unavailable
from chatire_shared.identity.changes import ChangeFeed
from chatire_shared.identity.jwks import JwksCache
from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.alone import Alone
from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.fake_messages import FakeMessages
from gateway_service.realtime.people import Membership
from gateway_service.realtime.runtime import _read_changes
from gateway_service.realtime.upstream import Upstream

AGREED = {exchange.call.split("?")[0] for exchange in [*auth.EXCHANGES, *messages.EXCHANGES]}


@dataclass
class Gateway:
    """The gateway's callers, and who they call."""

    auth: FakeAuth
    messages: FakeMessages
    upstream: Upstream
    feed: ChangeFeed
    verifier: Verifier
    ada: str
    group: str


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Alone("gateway") as alone:
        assert alone.auth is not None
        assert alone.messages is not None
        signer = ServiceSigner("gateway", alone.keys["gateway"].private_key)
        messages = ServiceClient(alone.messages.url, "messages", signer)
        upstream = Upstream.at(messages)
        client = ServiceClient(alone.auth.url, "auth", signer)
        feed = ChangeFeed(lambda after: _read_changes(client, after))
        keys = JwksCache(f"{alone.auth.url}{auth.JWKS.removeprefix('GET ')}")
        verifier = Verifier(keys, issuer="chatire", audience="chatire", is_revoked=feed.revocations.covers)
        ada = alone.auth.register("ada")
        yield Gateway(alone.auth, alone.messages, upstream, feed, verifier, ada, alone.messages.begin(ada))
        upstream.stop()
        asked = {f"{method} {_general(path)}" for method, path in [*alone.auth.asked, *alone.messages.asked]}
        assert asked <= AGREED, "asked for something that no table has"


def _general(path: str) -> str:
    return re.sub(r"/users/[0-9a-f-]{36}/", "/users/{id}/", path)


def test_the_gateway_posts_and_reads_back_what_it_posted(gateway: Gateway) -> None:
    async def talk() -> None:
        token = gateway.auth.token(gateway.ada)
        item = {"token": 0, "client_id": str(uuid4()), "conversation": gateway.group, "body": "hello"}
        (result,) = await gateway.upstream.batch([token], [item])
        assert (result["ok"], result["seq"]) == (True, 2)
        (found,) = await gateway.upstream.ranges([{"conversation": gateway.group, "after": 1, "limit": 5}])
        assert ["hello" in body for body in found["bodies"]] == [True]
        heads, versions = await gateway.upstream.heads([gateway.group], [gateway.ada])
        assert heads == {gateway.group: (found["epoch"], 2)}
        assert versions == {gateway.ada: 1}
        gateway.upstream.stop()
        await asyncio.sleep(0)  # The connection's own turn to close.

    asyncio.run(talk())


def test_the_gateway_learns_where_somebody_stands_and_marks_what_they_read(gateway: Gateway) -> None:
    async def talk() -> None:
        gateway.messages.say(gateway.group, "news")
        mark = {"token": 0, "conversation": gateway.group, "seq": 2, "origin": None}
        (result,) = await gateway.upstream.reads([gateway.auth.token(gateway.ada)], [mark])
        assert result == {"ok": True, "read_seq": 2}
        known = await gateway.upstream.memberships(gateway.ada)
        assert await gateway.upstream.memberships_of([gateway.ada]) == [known]
        epoch = gateway.messages.logs[gateway.group].epoch
        assert known.version == 1
        assert known.by_conversation == {gateway.group: Membership(gateway.group, "group", epoch, 1, 2, 2)}
        gateway.upstream.stop()
        await asyncio.sleep(0)

    asyncio.run(talk())


def test_the_gateway_knows_a_service_that_is_away_from_one_that_refuses(gateway: Gateway) -> None:
    async def talk() -> None:
        gateway.messages.away = True
        with pytest.raises(Unavailable):
            await gateway.upstream.heads([], [])
        gateway.messages.away = False
        mark = {"token": 0, "conversation": str(uuid4()), "seq": 1, "origin": None}
        (result,) = await gateway.upstream.reads([gateway.auth.token(gateway.ada)], [mark])
        assert result["code"] == "not_found"
        gateway.upstream.stop()
        await asyncio.sleep(0)

    asyncio.run(talk())


def test_a_verifier_takes_what_auth_signed_until_the_feed_says_that_it_ended(gateway: Gateway) -> None:
    session = uuid4()
    token = gateway.auth.token(gateway.ada, sid=str(session))
    assert gateway.verifier.verify(token).user_id == UUID(gateway.ada)
    assert gateway.feed.poll_once() == 1
    gateway.auth.revoke(session, gateway.ada)
    assert gateway.feed.poll_once() == 1
    with pytest.raises(TokenRevoked):
        gateway.verifier.verify(token)
    assert gateway.feed.poll_once() == 0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with living_in("messages", tmp_path_factory.mktemp("messages")) as house:
        yield house
        assert house.alone.auth is not None
        asked = {f"{method} {path}" for method, path in house.alone.auth.asked}
        assert asked == {auth.JWKS, auth.RECENT, "GET /internal/users/"}


def test_messages_asks_auth_about_somebody_it_has_not_heard_of(house: House) -> None:
    stage = RealStage(house.alone, house.url)
    members = stage.ask("ada", "GET", f"/api/conversations/{stage.group}/members/")["members"]
    assert {member["user"]["username"] for member in members} == {"ada", "grace"}


def test_messages_hears_within_its_polls_that_a_session_ended(house: House) -> None:
    stage = RealStage(house.alone, house.url)
    session = uuid4()
    headers = {"Authorization": f"Bearer {stage.auth.token(stage.ada.id, sid=str(session))}"}
    path = f"{house.url}/api/conversations/"
    assert requests.get(path, headers=headers, timeout=20).status_code == 200
    stage.auth.revoke(session, stage.ada.id)
    deadline = time.monotonic() + 20
    while (answer := requests.get(path, headers=headers, timeout=20)).ok:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.json()["code"] == "token_revoked"
