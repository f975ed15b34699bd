"""`manage auth enable_user`: let a disabled account sign in again."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auth_service.tokens.services.activation import enable_account
from chatire_shared.contracts.errors import NotFound


class Command(BaseCommand):
    """Old sessions stay ended."""

    help = "Let a disabled account sign in again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account's name."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what was."""
        name = options["username"]
        try:
            changed = enable_account(username=name, now=datetime.now(UTC))
        except NotFound as error:
            message = f"There is no account named {name}."
            raise CommandError(message) from error
        self.stdout.write(f"{name} is enabled." if changed else f"{name} was enabled already; nothing to do.")
