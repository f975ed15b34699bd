"""A test can change what single parts get, and lead their addresses through another port."""

from __future__ import annotations

import json

import pytest

from chatire_local.parts.detours import FILE_NAME, detoured

GIVEN = {
    "CHATIRE_REDIS_URL": "redis://:se%40cret@127.0.0.1:6379/0",
    "CHATIRE_AUTH_URL": "http://127.0.0.1:1 http://127.0.0.1:2",
    "CHATIRE_LIMITS": "on",
}


@pytest.fixture
def changes(tmp_path, monkeypatch):
    def write(**parts):
        (tmp_path / "parts.json").write_text(json.dumps(parts))
        monkeypatch.setenv(FILE_NAME, str(tmp_path / "parts.json"))

    return write


def test_without_a_file_nothing_is_changed(monkeypatch):
    monkeypatch.delenv(FILE_NAME, raising=False)
    assert detoured("relay", GIVEN) == GIVEN


def test_an_address_keeps_all_but_its_host_and_port(changes):
    changes(relay={"CHATIRE_REDIS_URL": "@127.0.0.1:7"})
    assert detoured("relay", GIVEN) == GIVEN | {"CHATIRE_REDIS_URL": "redis://:se%40cret@127.0.0.1:7/0"}


def test_several_addresses_take_as_many_detours(changes):
    changes(relay={"CHATIRE_AUTH_URL": "@127.0.0.1:8 @127.0.0.1:9"})
    assert detoured("relay", GIVEN)["CHATIRE_AUTH_URL"] == "http://127.0.0.1:8 http://127.0.0.1:9"
    changes(relay={"CHATIRE_AUTH_URL": "@127.0.0.1:8"})
    with pytest.raises(ValueError, match="shorter"):
        detoured("relay", GIVEN)


def test_only_the_part_that_is_named_gets_anything_new(changes):
    changes(relay={"LD_PRELOAD": "/lib/clock.so", "CHATIRE_LIMITS": "off"})
    assert detoured("relay", GIVEN) == GIVEN | {"LD_PRELOAD": "/lib/clock.so", "CHATIRE_LIMITS": "off"}
    assert detoured("auth", GIVEN) == GIVEN
