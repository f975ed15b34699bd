"""Deeds on conversations. Each locks the conversation's row first, then appends to its log; see `log.py`."""
