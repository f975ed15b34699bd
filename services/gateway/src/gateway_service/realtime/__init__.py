"""Sockets: what protocol.md section 5 promises, fed by the channel layer and healed from the messages service."""
