"""Where things are. Knows paths only."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BENCH = ROOT / "bench"
LOADGEN = BENCH / "loadgen"
NODE_PEERS = BENCH / "peers" / "node"
PYTHON_PEERS = BENCH / "peers" / "python"
ONE_PORT = BENCH / "one_port"
WITHOUT_UVLOOP = BENCH / "without_uvloop"
SCHEMA = BENCH / "peers" / "schema.sql"
REQUIREMENTS = BENCH / "requirements.txt"
RESULTS = BENCH / "results"

KEPT = ROOT / "var" / "bench"
"""What is made once and used again: the compiled load generator, the peers' virtual environment."""
