from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatire_shared.conf import env

NAME = "CHATIRE_REDIS_URL"


def test_a_file_may_hold_what_should_not_be_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://ada:pass@redis:6379/0\n")
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "url"))
    assert env.text(NAME) == "redis://ada:pass@redis:6379/0"
    assert env.text(NAME, "a default") == "redis://ada:pass@redis:6379/0"


def test_the_variable_itself_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "redis://here")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "not there"))
    assert env.text(NAME) == "redis://here"


def test_a_file_that_is_not_there_stops_the_start_with_the_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "not there"))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE names .*not there"):
        env.text(NAME)


def test_a_required_name_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is not set"):
        env.text(NAME)
