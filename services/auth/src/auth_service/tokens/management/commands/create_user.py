"""`manage auth create_user`: make one account, or many from a file, past the public limits."""

from __future__ import annotations

import json
import secrets
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auth_service.accounts.models import Role
from auth_service.tokens.services.provisioning import Wanted, ensure_accounts, open_command_line_sessions
from auth_service.tokens.signing import access_token
from chatire_shared.contracts.errors import ChatireError

_FIELDS = ("username", "email", "display_name", "password", "role")


class Command(BaseCommand):
    """One account from arguments, or one for each JSON line of a file; a user name that exists is left as it is."""

    help = "Make an account (a password is generated and shown unless given), or many from a file of JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Names of one account, or a file."""
        parser.add_argument("username", nargs="?")
        parser.add_argument("--email", help="default: USERNAME@localhost")
        parser.add_argument("--display-name", default="")
        parser.add_argument("--password", help="generated and shown when left out")
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER)
        parser.add_argument("--batch", type=Path, help="JSON lines: {username, email, display_name?, password?, role?}")
        parser.add_argument("--tokens", action="store_true", help="open a session for each and print its tokens")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them and print one JSON line each."""
        generated = None
        if options["batch"]:
            wanted = _read(options["batch"])
        else:
            generated = None if options["password"] else secrets.token_urlsafe(18)
            wanted = [_single(options, generated)]
        now = datetime.now(UTC)
        try:
            users = ensure_accounts(wanted=wanted, now=now)
            grants = open_command_line_sessions(users=users, now=now) if options["tokens"] else []
        except ChatireError as error:
            raise CommandError(_explain(error)) from error
        for place, user in enumerate(users):
            line: dict[str, Any] = {"id": str(user.id), "username": user.username}
            if generated and user.created_at == now:
                line["password"] = generated
            if grants:
                line |= {"access": access_token(user, grants[place].session.id), "refresh": grants[place].refresh}
            self.stdout.write(json.dumps(line))


def _single(options: dict[str, Any], generated: str | None) -> Wanted:
    name = options["username"]
    if not name:
        message = "Name an account, or a file with --batch."
        raise CommandError(message)
    return Wanted(
        username=name,
        email=options["email"] or f"{name}@localhost",
        display_name=options["display_name"],
        password=options["password"] or generated,
        role=Role(options["role"]),
    )


def _read(path: Path) -> list[Wanted]:
    wanted = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}."
        raise CommandError(message) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = {name: value for name, value in json.loads(line).items() if name in _FIELDS and value is not None}
            fields["role"] = Role(fields.get("role", Role.MEMBER))
            wanted.append(Wanted(**fields))
        except (ValueError, TypeError, AttributeError) as error:
            message = f"{path}, line {number}: not an object with username and email. Correct it and run this again."
            raise CommandError(message) from error
    return wanted


def _explain(error: ChatireError) -> str:
    details = [f"{field.field}: {field.detail}" for field in error.errors]
    return " ".join(details) or error.detail
