"""What messages and the gateway ask of auth (docs/internal.md, "auth")."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exchanges.auth_stages import AuthStage as Stage
from exchanges.matching import ID, TEXT, TIME, Like, problem
from exchanges.table import Asked, Exchange

JWKS = "GET /api/auth/.well-known/jwks.json"
CHANGES = "GET /internal/changes/?after=N&limit=500"
RECENT = "GET /internal/changes/"
USERS = "GET /internal/users/?ids=a,b"
NOBODY = str(UUID(int=404))
KEY = {"kty": "EC", "crv": "P-256", "x": TEXT, "y": TEXT, "kid": TEXT, "use": "sig", "alg": "ES256"}
KEYS = Like("keys", lambda keys: 1 <= len(keys) <= 3 and all(key == KEY for key in keys))


def feed(query: str, caller: str | None = "messages", **more: Any) -> Asked:
    return Asked(f"/internal/changes/{query}", None, caller, "auth", **more)


def users(ids: str, caller: str | None = "messages", **more: Any) -> Asked:
    return Asked(f"/internal/users/?ids={ids}", None, caller, "auth", **more)


def person(stage: Stage, user: str, *, active: bool = True) -> dict[str, Any]:
    name = stage.names[user]
    shown = name.split("-")[0].title()
    # In an empty installation the first to register is its owner.
    return {"user_id": user, "username": name, "display_name": shown, "active": active, "role": TEXT}


def change(stage: Stage, number: int, kind: str, data: Any) -> dict[str, Any]:
    return {"id": stage.start + number, "kind": kind, "at": TIME, "data": data}


def page(stage: Stage, latest: int, *changes: Any) -> dict[str, Any]:
    return {"v": 1, "changes": list(changes), "latest": stage.start + latest}


def created(stage: Stage) -> list[dict[str, Any]]:
    return [change(stage, n, "user.created", person(stage, user)) for n, user in enumerate((stage.ada, stage.grace), 1)]


def ending_with(changes: list[Any]) -> Like:
    return Like(f"changes that end with {changes}", lambda value: value[-len(changes) :] == changes)


def account(stage: Stage, user: str, number: int, *, active: bool = True) -> dict[str, Any]:
    names = {name: value for name, value in person(stage, user).items() if name in {"username", "display_name"}}
    return {"id": user, **names, "active": active, "change_id": stage.start + number}


EXCHANGES: list[Exchange[Stage]] = [
    Exchange(
        "the public keys are for everybody", JWKS, lambda _: Asked(JWKS.removeprefix("GET ")), lambda _: {"keys": KEYS}
    ),
    Exchange(
        "the feed tells who registered",
        CHANGES,
        lambda s: feed(f"?after={s.start}&limit=500"),
        lambda s: page(s, 2, *created(s)),
    ),
    Exchange(
        "to the gateway as well",
        CHANGES,
        lambda s: feed(f"?after={s.start}", "gateway"),
        lambda s: page(s, 2, *created(s)),
    ),
    Exchange(
        "page by page", CHANGES, lambda s: feed(f"?after={s.start}&limit=1"), lambda s: page(s, 2, *created(s)[:1])
    ),
    Exchange(
        "and says when there is nothing new", CHANGES, lambda s: feed(f"?after={s.start + 2}"), lambda s: page(s, 2)
    ),
    Exchange(
        "an ended session is a change",
        CHANGES,
        lambda s: feed(f"?after={s.start + 2}"),
        lambda s: page(s, 3, change(s, 3, "session.revoked", {"user_id": s.ada, "session_id": ID})),
        before=lambda s: s.sign_out_ada(),
    ),
    Exchange(
        "so is a disabled account, with each of its sessions",
        CHANGES,
        lambda s: feed(f"?after={s.start + 2}"),
        lambda s: page(
            s,
            4,
            change(s, 3, "user.disabled", person(s, s.grace, active=False)),
            change(s, 4, "session.revoked", {"user_id": s.grace, "session_id": ID}),
        ),
        before=lambda s: s.disable_grace(),
    ),
    Exchange(
        "a new reader gets what is recent",
        RECENT,
        lambda _: feed(""),
        lambda s: {"v": 1, "changes": ending_with(created(s)), "latest": s.start + 2},
    ),
    Exchange(
        "a wrong cursor is refused",
        CHANGES,
        lambda _: feed("?after=x"),
        lambda _: problem(400, "invalid", "after"),
        status=400,
    ),
    Exchange(
        "so is a page too large",
        CHANGES,
        lambda _: feed("?after=0&limit=501"),
        lambda _: problem(400, "invalid", "limit"),
        status=400,
    ),
    Exchange(
        "accounts by id, unknown ones left out",
        USERS,
        lambda s: users(f"{s.ada},{NOBODY}"),
        lambda s: {"v": 1, "users": [account(s, s.ada, 1)], "latest": s.start + 2},
    ),
    Exchange(
        "a disabled account says so",
        USERS,
        lambda s: users(s.grace),
        lambda s: {"v": 1, "users": [account(s, s.grace, 3, active=False)], "latest": s.start + 4},
        before=lambda s: s.disable_grace(),
    ),
    Exchange("nobody is asked for", USERS, lambda _: users(""), lambda s: {"v": 1, "users": [], "latest": s.start + 2}),
    Exchange(
        "what is no id is refused", USERS, lambda _: users("ada"), lambda _: problem(400, "invalid", "ids"), status=400
    ),
    *(
        Exchange(says, call, asks, lambda _: problem(404, "not_found"), status=404)
        for says, call, asks in (
            ("without a service token there is nothing", CHANGES, lambda _: feed("?after=0", None)),
            ("without a service token there is nobody", USERS, lambda s: users(s.ada, None)),
            (
                "through the API gateway there is nothing",
                CHANGES,
                lambda _: feed("?after=0", through_the_api_gateway=True),
            ),
            ("through the API gateway there is nobody", USERS, lambda s: users(s.ada, through_the_api_gateway=True)),
            ("accounts are not for the gateway", USERS, lambda s: users(s.ada, "gateway")),
        )
    ),
]
