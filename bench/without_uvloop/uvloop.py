"""In the place of uvloop, for the bench row `ablation`: with this folder on PYTHONPATH a process does without it."""  # noqa: INP001 (it stands alone)

raise ImportError("uvloop is left out, to measure what it is worth")
