"""Conversations, their members and invites, and the event log that everything durable goes through."""
