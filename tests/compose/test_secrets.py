"""What a first start makes, and who gets what of it."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chatire_setup import secrets

READERS = ("auth", "auth-owner", "messages", "messages-owner", "relay", "gateway", "redis", "postgres")


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders that are handed out, after a first start."""
    (tmp_path / "kept").mkdir(mode=0o700)
    for name in READERS:
        (tmp_path / "handed" / name).mkdir(parents=True)
    monkeypatch.setattr(secrets, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(secrets, "HANDED", tmp_path / "handed")
    assert secrets.main() == 0
    return tmp_path / "handed"


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_second_start_changes_nothing(handed: Path) -> None:
    before = everything(handed.parent)
    assert secrets.main() == 0
    assert everything(handed.parent) == before


def test_what_got_lost_is_handed_out_again(handed: Path) -> None:
    before = everything(handed)
    (handed / "auth" / "database.url").unlink()
    (handed / "auth" / ".database.url.new").write_text("half a fi")
    assert secrets.main() == 0
    assert everything(handed) == before


def test_what_a_part_does_not_need_any_more_is_taken_back(handed: Path) -> None:
    before = everything(handed)
    (handed / "relay" / "service.pem").write_text("of an earlier version")
    assert secrets.main() == 0
    assert everything(handed) == before


def test_nobody_may_write_and_only_a_group_may_read(handed: Path) -> None:
    for path in handed.rglob("*.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o440, path


def test_each_key_signs_for_one_service_and_its_public_half_is_known(handed: Path) -> None:
    pems = {path.parent.name: path.read_text() for path in handed.rglob("service.pem")}
    assert pems.keys() == {"messages", "gateway"}, "auth calls nobody"
    assert len(set(pems.values())) == 2
    known = json.loads((handed / "auth" / "service-keys.json").read_text())["keys"]
    assert {key["kid"] for key in known} == {"auth", "messages", "gateway"}
    assert not any("d" in key for key in known)


def test_a_password_of_one_is_nowhere_with_another(handed: Path) -> None:
    owners: dict[str, set[str]] = {}
    for path in handed.rglob("*.url"):
        owners.setdefault(str(urlsplit(path.read_text()).password), set()).add(path.parent.name)
    assert sorted(map(sorted, owners.values())) == [
        ["auth"],
        ["auth", "messages"],
        ["auth-owner"],
        ["gateway", "relay"],
        ["messages", "relay"],
        ["messages-owner"],
    ]


def test_redis_knows_hashes_and_each_user_the_commands_it_needs(handed: Path) -> None:
    users = dict(
        line.removeprefix("user ").split(" ", 1) for line in (handed / "redis" / "users.acl").read_text().splitlines()
    )
    assert users["default"] == "off"
    for name, reader in (("layer", "gateway"), ("state", "messages")):
        url = urlsplit((handed / reader / "redis.url").read_text())
        assert url.username == name
        assert f"#{hashlib.sha256(str(url.password).encode()).hexdigest()}" in users[name]
        assert str(url.password) not in users[name]
    assert "~" not in users["layer"]
    assert "eval" not in users["layer"]
    assert "~chatire:limit:* " in users["state"]
    assert all(" -@all " in rules for name, rules in users.items() if name != "default")
