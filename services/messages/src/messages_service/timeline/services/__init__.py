"""Deeds on messages: posting (in batches), editing, deleting, marking as read."""
