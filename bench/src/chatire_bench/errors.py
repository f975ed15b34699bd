"""What can go wrong that is not a bug of the bench."""


class BenchError(Exception):
    """A server did not start, a tool is missing, or a measurement is void; the text says which and what to do."""


class Missing(BenchError):
    """Something this machine does not have (Node, a compiler); what needs it is left out."""
