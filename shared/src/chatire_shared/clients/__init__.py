"""Calls between services, over HTTP with `requests`: pooled, timed out, retried where safe, signed."""
