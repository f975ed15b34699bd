"""The plans of the queries behind some calls: the service itself answers them, and each SELECT that it makes is explained."""

from __future__ import annotations

import json

from chatire_bench.stack import Stack
from chatire_client import Account

# Runs inside of the messages service (`manage shell`), so it may name nothing of ours.
_SCRIPT = """
import json
from django.db import connection
from django.test import Client

def explained(path):
    seen = []
    def note(execute, sql, params, many, context):
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((sql, params))
        return execute(sql, params, many, context)
    with connection.execute_wrapper(note):
        answer = Client().get(path, HTTP_AUTHORIZATION="Bearer " + TOKEN, HTTP_HOST="localhost")
    texts = []
    for sql, params in seen:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql, params)
            texts.append(sql + "\\n" + "\\n".join(line for (line,) in cursor.fetchall()))
    return {"status": answer.status_code, "queries": texts}

print("PLANS " + json.dumps({title: explained(path) for title, path in PATHS.items()}))
"""


def plans(stack: Stack, viewer: Account, conversation: str) -> dict[str, str]:
    """The plans, by what is called."""
    path = f"/api/conversations/{conversation}"
    paths = {
        "page of history, newest": f"{path}/messages/?limit=50",
        "page of history, in the middle": f"{path}/messages/?before=60&limit=50",
        "list of conversations with unread counts": "/api/conversations/?limit=50",
        "range of events": f"{path}/events/?after=20&limit=50",
    }
    head = f"TOKEN = {viewer.fresh_access()!r}\nPATHS = {paths!r}\n"
    said = stack.manage("messages", "shell", text=head + _SCRIPT)
    found = next((line for line in said.splitlines() if line.startswith("PLANS ")), "PLANS {}")
    return {title: _text(each) for title, each in json.loads(found.removeprefix("PLANS ")).items()}


def _text(explained: dict[str, object]) -> str:
    queries = explained["queries"]
    texts = queries if isinstance(queries, list) else []
    return f"status {explained['status']}\n\n" + "\n\n".join(map(str, texts))
