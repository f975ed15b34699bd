"""`manage auth ensure_keys`: make the signing keys unless there are some."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from auth_service.tokens.keys import key_folder


class Command(BaseCommand):
    """Runs before each start; any number of processes may run it at once."""

    help = "Make the keys that sign access tokens, unless there are some already."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, or leave them as they are."""
        self.stdout.write("Keys made." if key_folder().ensure() else "Keys are there already; nothing to do.")
