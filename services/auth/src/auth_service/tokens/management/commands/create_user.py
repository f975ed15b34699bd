"""`manage auth create_user`: make one account, or many from a file, past the public limits."""

from __future__ import annotations

import json
import secrets
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auth_service.accounts.models import Role, User
from auth_service.tokens.services.provisioning import Wanted, ensure_accounts, open_command_line_sessions
from auth_service.tokens.signing import access_token
from chatire_shared.contracts.errors import ChatireError

_FIELDS = frozenset({"username", "email", "display_name", "password", "role"})


class Command(BaseCommand):
    """One account from arguments, or one for each JSON line of a file; a user name that exists is left as it is."""

    help = "Make an account (a password is generated and shown unless given), or many from a file of JSON lines."
    requires_system_checks = ()  # They load every view.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Names of one account, or a file."""
        parser.add_argument("username", nargs="?")
        parser.add_argument("--email", help="default: USERNAME@localhost")
        parser.add_argument("--display-name", default="")
        parser.add_argument("--password", help="generated and shown when left out")
        parser.add_argument("--role", choices=Role.values, help="default: owner while there is none, else member")
        parser.add_argument(
            "--batch", type=Path, help="JSON lines (- is stdin): {username, email?, display_name?, password?, role?}"
        )
        parser.add_argument("--tokens", action="store_true", help="open a session for each and print its tokens")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them and print one JSON line each."""
        generated = None if options["batch"] or options["password"] else secrets.token_urlsafe(18)
        wanted = _read(options["batch"]) if options["batch"] else [_single(options, generated)]
        now = datetime.now(UTC)
        try:
            users = ensure_accounts(wanted=wanted, now=now)
            tokens = _tokens(users, now) if options["tokens"] else [{} for _ in users]
        except ChatireError as error:
            raise CommandError(_explain(error)) from error
        for user, more in zip(users, tokens, strict=True):
            shown = {"password": generated} if generated and user.created_at == now else {}
            self.stdout.write(json.dumps({"id": str(user.id), "username": user.username, **shown, **more}))


def _tokens(users: Sequence[User], now: datetime) -> list[dict[str, str]]:
    grants = open_command_line_sessions(users=users, now=now)
    return [{"access": access_token(grant.user, grant.session.id), "refresh": grant.refresh} for grant in grants]


def _single(options: dict[str, Any], generated: str | None) -> Wanted:
    name = options["username"]
    if not name:
        raise CommandError("Name an account, or a file with --batch.")
    return Wanted(
        username=name,
        email=options["email"] or f"{name}@localhost",
        display_name=options["display_name"],
        password=options["password"] or generated,
        role=Role(options["role"]) if options["role"] else None,
    )


def _read(path: Path) -> list[Wanted]:
    try:
        text = sys.stdin.read() if path == Path("-") else path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
    return [_line(path, number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _line(path: Path, number: int, line: str) -> Wanted:
    try:
        fields = {name: value for name, value in json.loads(line).items() if value is not None}
        if not fields.keys() <= _FIELDS or not all(isinstance(value, str) for value in fields.values()):
            raise ValueError("a field is unknown or no text")  # noqa: TRY301
        fields.setdefault("email", f"{fields['username']}@localhost")
        # Never the workspace's owner by accident: these are made by the hundred, often by a replay.
        return Wanted(**{**fields, "role": Role(fields.get("role", Role.MEMBER))})
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        detail = f"{path}, line {number}: not an object with username, email?, display_name?, password? and role?."
        raise CommandError(f"{detail} Correct it and run this again; nothing was made.") from error


def _explain(error: ChatireError) -> str:
    details = [f"{field.field}: {field.detail}" for field in error.errors]
    return " ".join(details) or error.detail
