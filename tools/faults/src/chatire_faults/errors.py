"""What stops a campaign, and what makes one fault of it impossible."""


class FaultsError(Exception):
    """The campaign cannot go on; the message says why."""


class NotNow(Exception):
    """This fault cannot be injected at this moment (its target is just starting again, say)."""


class Futile(NotNow):
    """This fault cannot be injected here (no root, say), or was waited for in vain: trying again is no use."""
