"""What was said, and where: conversations, their members, the event log and messages. PostgreSQL is the truth."""
