"""Statements that run with every message: parsed and planned once for each connection to PostgreSQL.

Planning the look of a batch costs more than running it. A connection must therefore stay the same from one statement to
the next: a pooler between here and PostgreSQL has to pool sessions, not transactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with parameters.

    Attributes:
        name: What PostgreSQL knows it by.
        types: Of its parameters `$1`, `$2`, ….
        sql: Its text.
    """

    name: str
    types: tuple[str, ...]
    sql: str

    @property
    def call(self) -> str:
        """SQL that runs it, with a placeholder for each parameter."""
        return f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})"

    @property
    def preparation(self) -> str:
        """SQL that makes it known."""
        return f"PREPARE {self.name} ({', '.join(self.types)}) AS {self.sql}"


BY_INDEX = "SET LOCAL enable_seqscan = off; "
"""Before a statement in the same call, with which it is a transaction then: none of its tables is read from end to end."""

_ONE_PLAN = "SET plan_cache_mode = force_generic_plan"
"""Or PostgreSQL would plan for the parameters of each of the first calls, and perhaps of all. Concerns prepared ones only."""

_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""By connection of psycopg2: the names of what was prepared on it."""


def prepare(*statements: Statement) -> None:
    """Make statements known to the current connection, if they aren't yet.

    Raises:
        OperationalError: PostgreSQL is away.
    """
    connection.close_if_health_check_failed()  # Django would ask later, and then go on with another connection.
    connection.ensure_connection()
    known = _known.setdefault(connection.connection, set())
    missing = [statement for statement in statements if statement.name not in known]
    if missing:
        with connection.cursor() as cursor:
            cursor.execute("; ".join((_ONE_PLAN, *(statement.preparation for statement in missing))))
        known.update(statement.name for statement in missing)
