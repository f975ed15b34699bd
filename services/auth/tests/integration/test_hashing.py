"""Argon2id as it is used, its cap, and what signing in costs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from api_client import Api
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from threads import at_once

from auth_service.accounts import hashing
from auth_service.accounts.models import User
from auth_service.accounts.services import credentials
from chatire_shared.contracts.errors import InvalidCredentials

REAL = ["auth_service.accounts.hashing.CappedArgon2id"]
PASSWORD = "correct horse battery staple"


def test_the_cost_is_the_one_that_owasp_names(settings: Any) -> None:
    settings.PASSWORD_HASHERS = REAL
    encoded = make_password(PASSWORD)

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(encoded) <= User._meta.get_field("password").max_length
    assert check_password(PASSWORD, encoded)
    assert not check_password(PASSWORD + "x", encoded)


def test_no_more_than_two_hashes_are_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, lock, both_are_in = [0], threading.Lock(), threading.Event()
    third_slots: list[bool] = []

    def counted(self: Any, *args: Any) -> Any:
        with lock:
            inside[0] += 1
            if inside[0] == hashing.AT_ONCE:
                third_slots.append(hashing._slots.acquire(blocking=False))
                both_are_in.set()
        assert both_are_in.wait(20)
        with lock:
            inside[0] -= 1
        return "hash"

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counted)
    hasher = hashing.CappedArgon2id()
    deeds = [lambda: hasher.encode("a", "b")] * 6 + [lambda: str(hasher.verify("a", "b"))] * 6
    results = at_once(deeds, database=False)

    assert results == ["hash"] * 6 + ["True"] * 6
    assert third_slots
    assert not any(third_slots), "while two are inside, there is room for a third"
    assert hashing.AT_ONCE == 2


def test_a_hash_of_an_older_cost_is_renewed_at_sign_in(settings: Any, api: Api) -> None:
    ada = api.register("ada")
    assert User.objects.get().password.startswith("md5$")
    settings.PASSWORD_HASHERS = [*REAL, "django.contrib.auth.hashers.MD5PasswordHasher"]

    assert api.sign_in("ada").get("me/").status == 200
    assert User.objects.get().password.startswith("argon2$argon2id$")
    assert api.sign_in("ada").get("me/").json == ada.account


@pytest.mark.parametrize(
    ("name", "password"),
    [("nobody", PASSWORD), ("ada", "wrong"), ("ada", PASSWORD), ("disabled", PASSWORD), ("keyless", PASSWORD)],
)
def test_every_sign_in_costs_exactly_one_hash(
    settings: Any, api: Api, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    settings.PASSWORD_HASHERS = REAL
    for username in ("ada", "disabled", "keyless"):
        api.register(username)
    User.objects.filter(username="disabled").update(is_active=False)
    User.objects.filter(username="keyless").update(password="!")
    hashes = [0]

    def counted(original: Any) -> Any:
        def call(self: Any, *args: Any) -> Any:
            hashes[0] += 1
            return original(self, *args)

        return call

    monkeypatch.setattr(hashing.CappedArgon2id, "encode", counted(hashing.CappedArgon2id.encode))
    monkeypatch.setattr(hashing.CappedArgon2id, "verify", counted(hashing.CappedArgon2id.verify))
    api.post("token/", {"username": name, "password": password})

    assert hashes[0] == 1


def test_a_changed_hash_is_not_overwritten_by_a_renewal(settings: Any, api: Api) -> None:
    api.register("ada")
    stale = User.objects.get()
    User.objects.update(password=make_password("a new password 123"))
    settings.PASSWORD_HASHERS = [*REAL, "django.contrib.auth.hashers.MD5PasswordHasher"]

    assert credentials.matches(stale, PASSWORD)
    assert check_password("a new password 123", User.objects.get().password)


def test_a_disabled_account_is_refused_with_the_right_password_too(api: Api) -> None:
    api.register("ada")
    User.objects.update(is_active=False)
    with pytest.raises(InvalidCredentials):
        credentials.check_credentials(name="ada", password=PASSWORD)
