"""What stops a replay before it begins."""


class ReplayError(Exception):
    """Told to the user as it is; exit code 2."""
