"""What can be done to sessions: open, continue, end."""
