"""The signing keys on disk, and their rotation while the service runs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from api_client import Api, Person
from threads import at_once

from auth_service.accounts.models import Change
from auth_service.tokens.keys import FILE_NAME, KeyFolder, KeyRing
from auth_service.tokens.services.keys import rotate_keys
from chatire_shared.contracts.errors import Unauthenticated, Unavailable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


@pytest.fixture
def own_folder(tmp_path: Path, settings: Any) -> KeyFolder:
    """A key folder of the test's own for the whole service."""
    settings.AUTH_KEYS_DIR = tmp_path / "keys"
    folder = KeyFolder(settings.AUTH_KEYS_DIR)
    folder.ensure()
    return folder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_may_read_the_keys(folder: KeyFolder) -> None:
    old_mask = os.umask(0)
    try:
        folder.ensure()
        folder.rotate(now=NOW)
    finally:
        os.umask(old_mask)

    assert _mode(folder.file.parent) == 0o700
    assert {path.name: _mode(path) for path in folder.file.parent.iterdir()} == {FILE_NAME: 0o600, ".lock": 0o600}


def test_ensuring_twice_changes_nothing(folder: KeyFolder) -> None:
    assert folder.ensure()
    before = folder.file.read_bytes()
    assert not folder.ensure()
    assert folder.file.read_bytes() == before


def test_of_many_processes_that_ensure_at_once_one_makes_the_keys(folder: KeyFolder) -> None:
    made = at_once([folder.ensure] * 8, database=False)
    assert made.count(True) == 1
    assert made.count(False) == 7

    code = "import django; django.setup(); from django.core.management import call_command; call_command('ensure_keys')"
    environment = {
        **os.environ,
        "CHATIRE_AUTH_KEYS_DIR": str(folder.file.parent.parent / "other"),
        "DJANGO_SETTINGS_MODULE": "auth_service.settings",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=50)[0].strip() for process in processes]
    assert sorted(said) == ["Keys are there already; nothing to do."] * 2 + ["Keys made."]


def test_a_process_notices_a_rotation_by_another(folder: KeyFolder) -> None:
    folder.ensure()
    ring = KeyRing(folder)
    before, upcoming = ring.signing_key()[0], ring.keys().next.kid
    KeyFolder(folder.file.parent).rotate(now=NOW)

    assert ring.signing_key()[0] == upcoming
    assert [key["kid"] for key in ring.jwks()["keys"]][:2] == [before, upcoming]


def test_keys_stay_in_use_while_the_file_cannot_be_read(folder: KeyFolder) -> None:
    folder.ensure()
    ring = KeyRing(folder)
    kid = ring.signing_key()[0]
    for damage in (b"", b"{", b"[]", b'{"v": 1}', b'{"current": {}, "next": {}, "previous": []}', b"\xff"):
        folder.file.write_bytes(damage)
        assert ring.signing_key()[0] == kid
    folder.file.unlink()
    assert ring.signing_key()[0] == kid

    with pytest.raises(Unavailable):
        KeyRing(folder).keys()
    with pytest.raises(Unauthenticated):
        ring.get("unknown")


def test_the_jwks_shows_public_halves_only(api: Api, own_folder: KeyFolder) -> None:
    own_folder.rotate(now=datetime.now(UTC))
    answer = api.get(".well-known/jwks.json")
    document = json.loads(own_folder.file.read_text())

    assert len(answer.json["keys"]) == 3
    for key in answer.json["keys"]:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert document["current"]["d"] not in answer.text
    assert "d" not in document["previous"][0]


def test_rotations_sign_nobody_out_and_need_no_restart(own_folder: KeyFolder, api: Api) -> None:
    ada = api.register("ada")
    kids = [jwt.get_unverified_header(ada.access)["kid"]]
    for _ in range(2):
        rotate_keys(own_folder, now=datetime.now(UTC))
        newest = api.sign_in("ada")
        kids.append(jwt.get_unverified_header(newest.access)["kid"])
        assert newest.get("me/").status == ada.get("me/").status == 200
        assert {key["kid"] for key in api.get(".well-known/jwks.json").json["keys"]} >= set(kids)
    assert len(set(kids)) == 3
    assert [entry.data.keys() for entry in Change.objects.filter(kind="keys.rotated")] == [{"kids"}] * 2


def test_a_leaked_key_is_dropped_at_once(own_folder: KeyFolder, api: Api, ada: Person) -> None:
    assert ada.get("me/").status == 200
    rotate_keys(own_folder, now=datetime.now(UTC), forget_old=True)

    assert ada.get("me/").code == "unauthenticated"
    renewed = ada.spend().json["access"]
    assert api.get("me/", token=renewed).status == 200


def test_without_keys_nothing_is_signed_spent_or_made(settings: Any, tmp_path: Path, ada: Person, api: Api) -> None:
    settings.AUTH_KEYS_DIR = tmp_path / "nothing"
    body = {"username": "linus", "email": "linus@example.org", "password": "correct horse battery"}
    for path, sent in (("register/", body), ("token/refresh/", {"refresh": ada.refresh})):
        answer = api.post(path, sent)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "2"
    assert api.get(".well-known/jwks.json").code == "unavailable"
    assert ada.get("me/").code == "unavailable"
    assert (api.get("/readyz").status, api.get("/readyz").json["failed"]) == (503, ["keys"])

    KeyFolder(settings.AUTH_KEYS_DIR).ensure()
    assert api.get("/readyz").status == 200
    assert ada.spend().status == 200
    assert not Change.objects.filter(data__username="linus").exists()


def test_retired_keys_go_when_no_token_of_theirs_can_live(folder: KeyFolder) -> None:
    folder.ensure()
    ring = KeyRing(folder)
    first = ring.signing_key()[0]
    folder.rotate(now=NOW)
    folder.rotate(now=NOW + timedelta(seconds=659))
    assert first in ring.keys().public_keys()
    folder.rotate(now=NOW + timedelta(seconds=661))
    assert first not in ring.keys().public_keys()
