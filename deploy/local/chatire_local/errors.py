"""What the launcher says when something cannot be done.

LauncherError            said to the user, exit code 1
└── UsageError           the command line asks for what does not exist, exit code 2
"""


class LauncherError(Exception):
    """Something stands in the way; the message says what, and what to do about it."""

    exit_code = 1


class UsageError(LauncherError):
    """The command line itself is wrong."""

    exit_code = 2
