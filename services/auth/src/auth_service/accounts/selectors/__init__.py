"""Reading: people, and the feed of changes."""
