"""How often somebody may try, counted by all processes together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from api_client import PASSWORD, Api
from django.conf import settings as django_settings

from auth_service.tokens import limits

ADDRESS = {"X_Forwarded_For": "203.0.113.7"}


@pytest.fixture(autouse=True)
def _limits_on(settings: Any) -> Iterator[None]:
    """Limits as in production, with empty counters."""
    settings.LIMITS_ENABLED = True
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        for key in client.scan_iter("chatire:limit:*"):
            client.delete(key)
        yield


def _try(api: Api, name: str, address: str = "203.0.113.7") -> int:
    body = {"username": name, "password": "wrong password here"}
    return api.post("token/", body, X_Forwarded_For=address).status


def test_an_account_can_be_tried_ten_times_a_minute(api: Api) -> None:
    api.register("ada")
    tries = [_try(api, name) for name in ("ada", "ADA") * 5]
    refused = api.post("token/", {"username": "ada", "password": PASSWORD}, **ADDRESS)

    assert set(tries) == {401}
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert _try(api, "ada", "198.51.100.4") == 429
    assert _try(api, "grace") == 401


def test_an_unknown_name_is_limited_just_alike(api: Api) -> None:
    api.register("ada")
    answers = {
        name: [api.post("token/", {"username": name, "password": "wrong password"}, **ADDRESS) for _ in range(11)]
        for name in ("ada", "nobody")
    }
    for known, unknown in zip(*answers.values(), strict=True):
        assert known.sameness[:2] == unknown.sameness[:2]
        assert known.headers.keys() == unknown.headers.keys()
    assert answers["nobody"][-1].status == 429


def test_an_address_can_try_thirty_times_a_minute(api: Api) -> None:
    tries = [_try(api, f"user-{n}") for n in range(31)]

    assert (set(tries[:30]), tries[30]) == ({401}, 429)
    assert _try(api, "user-0", "198.51.100.4") == 401


def test_the_far_end_of_a_forwarded_chain_cannot_choose_its_address(api: Api) -> None:
    tries = [_try(api, f"user-{n}", f"192.0.2.{n}, 203.0.113.7") for n in range(31)]
    assert tries[30] == 429


def test_an_address_can_register_twenty_times_an_hour(api: Api) -> None:
    def register(n: int) -> Any:
        body = {"username": f"user-{n}", "email": f"u{n}@example.org", "password": PASSWORD}
        return api.post("register/", body, **ADDRESS)

    assert {register(n).status for n in range(20)} == {201}
    refused = register(20)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert register(5).status == 429, "asking for taken names is limited too"


def test_a_form_with_a_mistake_costs_nothing(api: Api) -> None:
    for _ in range(25):
        assert api.post("register/", {"username": "ada"}, **ADDRESS).status == 400
    assert api.post("register/", {"username": "ada", "email": "a@b.org", "password": PASSWORD}, **ADDRESS).status == 201


def test_a_stolen_access_token_is_no_faster_way_to_the_password(api: Api) -> None:
    ada = api.register("ada")
    body = {"old": "a guess at it", "new": "another fine passphrase"}
    statuses = [ada.post("password/change/", body, X_Forwarded_For=f"192.0.2.{n}").status for n in range(11)]
    assert statuses == [400] * 10 + [429]


def test_two_processes_count_together() -> None:
    """Were each to count alone, twice as many would get through."""
    code = """
import django, json; django.setup()
from auth_service.tokens.limits import require_sign_in
from chatire_shared.contracts.errors import RateLimited
allowed = 0
for n in range(25):
    try:
        require_sign_in("ada", f"192.0.2.{n}")
        allowed += 1
    except RateLimited: pass
print(json.dumps(allowed))
"""
    environment = {
        **os.environ,
        "CHATIRE_LIMITS": "on",
        "DJANGO_SETTINGS_MODULE": "auth_service.settings",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    allowed = [json.loads(process.communicate(timeout=50)[0]) for process in processes]

    assert 10 <= sum(allowed) < 20, "ten, and one more for each six seconds that this took; apart it were twenty"


def test_limits_hold_without_redis(api: Api, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert [_try(api, "nobody") for _ in range(11)].count(429) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
     ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"), ("", ""), ("unix:", "unix:")],
)  # fmt: skip
def test_a_household_of_ipv6_is_one_address(address: str, network: str) -> None:
    assert limits.network_of(address) == network
