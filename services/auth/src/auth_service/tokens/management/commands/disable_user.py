"""`manage auth disable_user`: end all sessions of an account and let nobody sign in to it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auth_service.tokens.services.activation import disable_account
from chatire_shared.contracts.errors import NotFound


class Command(BaseCommand):
    """Ends every session within two seconds, on every service."""

    help = "End all sessions of an account and let nobody sign in to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account's name."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what was."""
        name = options["username"]
        try:
            changed = disable_account(username=name, now=datetime.now(UTC))
        except NotFound as error:
            message = f"There is no account named {name}."
            raise CommandError(message) from error
        self.stdout.write(f"{name} is disabled." if changed else f"{name} was disabled already; nothing to do.")
