"""`limit`: bare send() of one frame to 500 loopback sockets, the floor under any server that writes each frame by itself."""

from __future__ import annotations

import json
import os
import subprocess

from chatire_bench.bench import Bench
from chatire_bench.figures import Row
from chatire_bench.publishing import FRAME_BYTES

RECEIVERS = 500


def run(bench: Bench) -> Row:
    """One sender pinned to the server's core, one reader on another."""
    row = Row("limit", f"Bare send() of a {FRAME_BYTES}-byte frame to {RECEIVERS} sockets")
    if len(bench.command) > 1:
        row.note("Left out: there is no C compiler on this machine.")
        return row
    figure = row.figure("send() calls", "per CPU-second")
    reader = str(min(bench.cores.others))
    for _pair in range(bench.pairs):
        os.sched_setaffinity(0, bench.cores.server)
        done = subprocess.run(
            [*bench.command, "limit", str(RECEIVERS), str(FRAME_BYTES), str(bench.seconds(3.0))],
            env=dict(os.environ) | {"CHATIRE_LIMIT_CPU": reader},
            capture_output=True,
            text=True,
            check=True,
        )
        os.sched_setaffinity(0, bench.cores.all)
        found = json.loads(done.stdout)
        figure.add("send()", found["calls"] / found["cpu_seconds"])
    return row
