"""Journeys of people who sign in and out."""

from __future__ import annotations

import asyncio
import time

import pytest
from people import PASSWORD, Person

from chatire_client import Account, Closed, Http, Problem, SignedOut, Wire

REVOCATION_SECONDS = 2.0


def refresh(http: Http, token: str) -> dict[str, str]:
    return http.call("POST", "/api/auth/token/refresh/", body={"refresh": token})


async def test_a_refresh_token_is_good_for_one_use_and_reuse_ends_the_session(http: Http, ada: Person) -> None:
    device = await ada.connect()
    first = ada.account.refresh_token
    second = refresh(http, first)["refresh"]
    assert refresh(http, first)["refresh"] == second, "a lost answer is answered again with the same successor"
    third = refresh(http, second)

    with pytest.raises(Problem) as stolen:
        refresh(http, first)
    assert (stolen.value.status, stolen.value.code) == (401, "token_reused")
    with pytest.raises(Problem) as victim:
        refresh(http, third["refresh"])
    assert victim.value.status == 401
    assert isinstance(await asyncio.wait_for(device.live.wait_ended(), 10), SignedOut)
    assert device.closes == [4409]


async def test_signing_out_closes_the_socket_and_every_door(http: Http, ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    phone = ada.on_another_device()
    hers, other = await ada.connect(), await phone.connect()
    began = time.monotonic()
    ada.account.log_out()

    async def closed_everywhere() -> None:
        await hers.live.wait_ended()
        for path in ("/api/auth/me/", f"/api/conversations/{conversation}/messages/"):
            while http.raw("GET", path, token=ada.account.access).status_code != 401:
                await asyncio.sleep(0.02)

    await asyncio.wait_for(closed_everywhere(), 10)
    assert time.monotonic() - began < REVOCATION_SECONDS + 1, "G7 says 2 s; a second more for a busy machine"
    assert hers.closes == [4409]
    with pytest.raises(Problem):
        refresh(http, ada.account.refresh_token)
    wire = await Wire.open(http.socket_url)
    await wire.send("auth", token=ada.account.access)
    with pytest.raises(Closed) as refused:
        await asyncio.wait_for(wire.receive(), 5)
    assert refused.value.code in {4401, 4409}

    grace.say(conversation, "still there?")
    await other.hears("message.created", body="still there?")


async def test_a_person_sees_their_sessions_and_ends_the_others(ada: Person) -> None:
    phone = ada.on_another_device()
    lost = await phone.connect()
    sessions = ada.get("/api/auth/sessions/")["sessions"]
    assert sorted(session["current"] for session in sessions) == [False, True]
    ada.delete("/api/auth/sessions/")
    assert isinstance(await asyncio.wait_for(lost.live.wait_ended(), 10), SignedOut)
    assert [session["current"] for session in ada.get("/api/auth/sessions/")["sessions"]] == [True]

    ada.post("/api/auth/password/change/", {"old": PASSWORD, "new": "an entirely different sentence"})
    with pytest.raises(Problem) as old_password:
        Account.sign_in(ada.account.http, ada.account.username, PASSWORD)
    assert (old_password.value.status, old_password.value.code) == (401, "invalid_credentials")
    again = Account.sign_in(ada.account.http, ada.account.username, "an entirely different sentence")
    assert again.id == ada.id
