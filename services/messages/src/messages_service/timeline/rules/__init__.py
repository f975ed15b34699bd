"""Rules about messages on plain values: bodies, their rendering, their shape on the wire. No Django."""
