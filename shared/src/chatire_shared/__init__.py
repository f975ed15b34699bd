"""Contracts and plumbing that the three services share; no domain rule, no table but the outbox."""

__version__ = "0.1.0"
