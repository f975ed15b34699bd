"""Messages, events and read markers over HTTP."""
