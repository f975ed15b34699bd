"""`manage auth rotate_keys`: sign with a new key, without a restart and without signing anybody out."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auth_service.tokens.keys import key_folder
from auth_service.tokens.services.keys import rotate_keys


class Command(BaseCommand):
    """The next key becomes current, the current one previous, and a new next one is made."""

    help = "Sign access tokens with the next key from now on. Nobody is signed out, nothing needs a restart."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--leaked`."""
        help_text = "the current key leaked: refuse everything signed so far at once (clients refresh by themselves)"
        parser.add_argument("--leaked", action="store_true", help=help_text)

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate and say which keys are published now."""
        try:
            kids = rotate_keys(key_folder(), now=datetime.now(UTC), forget_old=options["leaked"])
        except OSError as error:
            message = f"The keys can't be rotated ({error.strerror}). Run `manage auth ensure_keys` first."
            raise CommandError(message) from error
        self.stdout.write("Rotated. Published keys: " + ", ".join(kids))
