"""Reading messages and the event log."""
