"""The root of what this client raises."""


class ClientError(Exception):
    """Something the caller may want to answer rather than let through."""
