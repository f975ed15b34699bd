"""Messages: posting, editing, deleting, reading; the events as they are served to clients and to the gateway."""
