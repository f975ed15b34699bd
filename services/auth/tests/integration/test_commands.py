"""`manage auth …`."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, Person
from django.core.management import CommandError, call_command

from auth_service.accounts.models import Change, User
from auth_service.tokens.models import RefreshSession


def _manage(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def _lines(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _manage("create_user", *arguments).splitlines()]


def _batch(folder: Path, *people: Any) -> str:
    path = folder / "people.jsonl"
    path.write_text("\n".join(json.dumps(person) for person in people) + "\n\n")
    return str(path)


def test_an_account_gets_a_password_that_signs_in(api: Api) -> None:
    (line,) = _lines("ada", "--email", "ada@example.org", "--display-name", "Ada Lovelace")
    ada = api.sign_in("ada@example.org", line["password"])

    assert line["id"] == str(ada.id)
    assert (ada.account["display_name"], ada.account["role"]) == ("Ada Lovelace", "owner")


def test_the_second_account_is_a_member_unless_said_otherwise(api: Api) -> None:
    _lines("ada")
    _lines("grace", "--password", "a password of hers")
    _lines("linus", "--role", "admin")

    roles = dict(User.objects.values_list("username", "role"))
    assert roles == {"ada": "owner", "grace": "member", "linus": "admin"}
    assert api.sign_in("grace", "a password of hers").account["email"] == "grace@localhost"


def test_an_account_that_exists_is_left_as_it_is(ada: Person, api: Api) -> None:
    (line,) = _lines("ADA", "--password", "another password", "--role", "member")

    assert line == {"id": str(ada.id), "username": "ada"}
    assert api.sign_in("ada").account == ada.account


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Name an account"),
        (["a"], "username"),
        (["grace", "--email", "nonsense"], "email"),
        (["grace", "--email", "ADA@example.org"], "email"),
        (["grace", "--display-name", "x" * 65], "display_name"),
        (["--batch", "/nonexistent"], "can't be read"),
    ],
)
def test_what_cannot_be_made_says_why(ada: Person, arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        _lines(*arguments)
    assert User.objects.count() == 1


def test_a_batch_makes_many_and_signs_them_in(api: Api, tmp_path: Path) -> None:
    people = [{"username": f"penguin{n}", "email": f"p{n}@example.org", "display_name": f"P {n}"} for n in range(1_000)]
    lines = _lines("--batch", _batch(tmp_path, *people), "--tokens")

    assert [line["username"] for line in lines] == [person["username"] for person in people]
    assert lines[0].keys() == {"id", "username", "access", "refresh"}
    me = api.get("me/", token=lines[999]["access"]).json
    assert (me["id"], me["display_name"], me["role"]) == (lines[999]["id"], "P 999", "member")
    assert api.post("token/refresh/", {"refresh": lines[500]["refresh"]}).status == 200
    assert list(Change.objects.order_by("id").values_list("id", flat=True)) == list(range(1, 1_001))
    assert api.post("token/", {"username": "penguin0", "password": "!"}).code == "invalid_credentials"


def test_a_batch_can_come_from_standard_input(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"username": "ada", "password": "a password of hers"}\n'))
    (line,) = _lines("--batch", "-")
    assert str(api.sign_in("ada", "a password of hers").id) == line["id"]


def test_a_batch_can_be_run_again(api: Api, tmp_path: Path) -> None:
    first = {"username": "ada", "password": "a password of hers"}
    before = _lines("--batch", _batch(tmp_path, first))
    after = _lines("--batch", _batch(tmp_path, first, {"username": "grace", "role": "owner"}, {"username": "ADA"}))

    assert [line["id"] for line in after] == [before[0]["id"], after[1]["id"], before[0]["id"]]
    assert User.objects.get(username="grace").role == "owner"
    assert api.sign_in("ada", "a password of hers").account["role"] == "member"


@pytest.mark.parametrize(
    "second",
    [5, [], {}, {"username": "a"}, {"username": 5}, {"username": "ada2", "email": "ADA@localhost"}, {"username": "x y"},
     {"username": "ada2", "role": "god"}, {"username": "ada2", "is_active": False}, {"username": "ada2", "email": "x"}],
)  # fmt: skip
def test_one_wrong_line_makes_nothing(db: Any, tmp_path: Path, second: Any) -> None:
    with pytest.raises(CommandError):
        _lines("--batch", _batch(tmp_path, {"username": "ada"}, second))
    assert not User.objects.exists()
    assert not Change.objects.exists()


def test_disabling_ends_everything_and_enabling_lets_in_again(ada: Person, grace: Person, api: Api) -> None:
    phone = api.sign_in("grace")

    assert _manage("disable_user", "Grace") == "Grace is disabled.\n"
    assert {phone.get("me/").code, grace.spend().code} == {"token_revoked"}
    assert api.post("token/", {"username": "grace", "password": "correct horse battery staple"}).status == 401
    assert "already" in _manage("disable_user", "grace")
    assert ada.get("me/").status == 200

    assert _manage("enable_user", "grace") == "grace is enabled.\n"
    assert "already" in _manage("enable_user", "grace")
    assert grace.get("me/").code == "token_revoked"
    assert api.sign_in("grace").get("me/").json == grace.account
    kinds = list(Change.objects.order_by("id").values_list("kind", flat=True))[2:]
    assert kinds == ["user.disabled", "session.revoked", "session.revoked", "user.enabled"]
    assert User.objects.get(username="grace").change_id == 6


@pytest.mark.parametrize("command", ["disable_user", "enable_user"])
def test_an_unknown_account_is_said_to_be(db: Any, command: str) -> None:
    with pytest.raises(CommandError, match="no account named nobody"):
        _manage(command, "nobody")


def test_a_disabled_account_gets_no_tokens_from_the_command_line_either(ada: Person) -> None:
    _manage("disable_user", "ada")
    with pytest.raises(CommandError, match="disabled"):
        _lines("ada", "--tokens")


def test_keys_are_rotated_and_told(db: Any) -> None:
    said = _manage("rotate_keys")
    kids = Change.objects.get(kind="keys.rotated").data["kids"]
    assert said == f"Rotated. Published keys: {', '.join(kids)}\n"
    assert "already" in _manage("ensure_keys")


def test_without_keys_there_is_nothing_to_rotate(db: Any, settings: Any, tmp_path: Path) -> None:
    settings.AUTH_KEYS_DIR = tmp_path / "nothing"
    with pytest.raises(CommandError, match="ensure_keys"):
        _manage("rotate_keys")
    assert not Change.objects.exists()


def test_pruning_forgets_what_ended_long_ago_and_nothing_else(ada: Person, api: Api) -> None:
    api.sign_in("ada").post("logout/")
    old, ended = RefreshSession.objects.order_by("id")
    assert _manage("prune") == "Deleted 0 old sessions.\n"

    now = datetime.now(UTC)
    RefreshSession.objects.filter(id=ended.id).update(revoked_at=now - timedelta(days=31))
    assert _manage("prune") == "Deleted 1 old sessions.\n"
    RefreshSession.objects.filter(id=old.id).update(created_at=now - timedelta(days=59))
    assert _manage("prune") == "Deleted 0 old sessions.\n"
    RefreshSession.objects.filter(id=old.id).update(created_at=now - timedelta(days=61))
    assert _manage("prune") == "Deleted 1 old sessions.\n"
