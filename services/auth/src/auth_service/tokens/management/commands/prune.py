"""`manage auth prune`: forget sessions that ended long ago. Safe at any time, needed now and then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from auth_service.tokens.services.pruning import prune_sessions


class Command(BaseCommand):
    """The change feed stays whole: its rows are small and its readers may be far behind."""

    help = "Delete sessions that ended or ran out over 30 days ago."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them and say how many."""
        self.stdout.write(f"Deleted {prune_sessions(now=datetime.now(UTC))} old sessions.")
