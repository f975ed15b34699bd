"""Faults on purpose, and a check of everything that was promised: what `./chatire verify` runs."""
