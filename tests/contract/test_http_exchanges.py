"""The fakes and the real services give the same answers: who passes against a fake passes against what it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from exchanges import auth, auth_stages, messages, messages_stages
from exchanges.table import Asked, Exchange
from houses import House, living_in

from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.testing.fake_messages import FakeMessages
from chatire_shared.testing.tokens import TokenMint, public_jwk

DOCS = (Path(__file__).parents[2] / "docs" / "internal.md").read_text(encoding="utf-8")
KEYS = {name: TokenMint(kid=name) for name in ("auth", "messages", "gateway")}
JWKS = {"keys": [public_jwk(mint.private_key.public_key(), name) for name, mint in KEYS.items()]}


@pytest.fixture(scope="module")
def real_auth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with living_in("auth", tmp_path_factory.mktemp("auth")) as house:
        yield house


@pytest.fixture(scope="module")
def real_messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with living_in("messages", tmp_path_factory.mktemp("messages")) as house:
        yield house


def ask(stage: Any, asked: Asked, method: str) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    if asked.caller is not None:
        token = ServiceSigner(asked.caller, stage.keys[asked.caller].private_key).token_for(asked.callee)
        headers["Authorization"] = f"Bearer {token}"
    if asked.through_the_api_gateway:
        headers["X-Forwarded-For"] = "203.0.113.7"
    given = {"data": asked.body} if isinstance(asked.body, bytes) else {"json": asked.body}
    return requests.request(method, stage.url + asked.target, headers=headers, timeout=20, **given)


def hold(stage: Any, exchange: Exchange[Any]) -> None:
    try:
        exchange.before(stage)
        answer = ask(stage, exchange.asks(stage), exchange.call.split()[0])
        assert answer.json() == exchange.answers(stage)
        assert answer.status_code == exchange.status
        kind = "application/json" if answer.ok else "application/problem+json"
        assert answer.headers["Content-Type"] == kind
    finally:
        stage.close()


def rows(exchanges: list[Any]) -> Callable[..., Any]:
    ids = [f"{exchange.call.split('/')[-2]}-{exchange.says}" for exchange in exchanges]
    return pytest.mark.parametrize("exchange", exchanges, ids=ids)


@rows(auth.EXCHANGES)
def test_the_fake_of_auth_answers_as_agreed(exchange: Exchange[Any]) -> None:
    hold(auth_stages.FakeStage(KEYS, JWKS), exchange)


@rows(auth.EXCHANGES)
def test_auth_answers_as_agreed(exchange: Exchange[Any], real_auth: House) -> None:
    signer = ServiceSigner("messages", real_auth.alone.keys["messages"].private_key)
    headers = {"Authorization": f"Bearer {signer.token_for('auth')}"}
    start = requests.get(f"{real_auth.url}/internal/changes/", headers=headers, timeout=20).json()["latest"]
    hold(auth_stages.RealStage(real_auth, start), exchange)


@rows(messages.EXCHANGES)
def test_the_fake_of_messages_answers_as_agreed(exchange: Exchange[Any]) -> None:
    hold(messages_stages.FakeStage(KEYS, JWKS), exchange)


@rows(messages.EXCHANGES)
def test_messages_answers_as_agreed(exchange: Exchange[Any], real_messages: House) -> None:
    hold(messages_stages.RealStage(real_messages.alone, real_messages.url), exchange)


def calls_in_docs() -> set[str]:
    """The calls in the tables of docs/internal.md."""
    sections = DOCS[DOCS.index("\n## auth") : DOCS.index("\n## On the channel layer")]
    return set(re.findall(r"^\| `((?:GET|POST) [^`]+)`", sections, re.MULTILINE))


def test_every_call_between_the_services_has_exchanges() -> None:
    assert len(calls_in_docs()) >= 9
    assert calls_in_docs() == {exchange.call for exchange in [*auth.EXCHANGES, *messages.EXCHANGES]}


def row(call: str) -> Exchange[Any]:
    return next(exchange for exchange in messages.EXCHANGES if exchange.call == call)


@pytest.mark.parametrize(
    ("call", "method", "spoil"),
    [
        (messages.READS, "_mark", lambda answer: {**answer, "read_seq": answer["read_seq"] + 1}),
        (messages.BATCH, "_post_item", lambda answer: {k: v for k, v in answer.items() if k != "conversation"}),
        (messages.HEADS, "_heads", lambda answer: {**answer, "surprise": 1}),
    ],
)
def test_an_answer_that_is_not_as_agreed_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, call: str, method: str, spoil: Callable[[Any], Any]
) -> None:
    faithful = getattr(FakeMessages, method)
    monkeypatch.setattr(FakeMessages, method, lambda *given: spoil(faithful(*given)))
    with pytest.raises(AssertionError, match="assert"):
        hold(messages_stages.FakeStage(KEYS, JWKS), row(call))
