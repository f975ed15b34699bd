"""Accounts: names, passwords, profiles, and the feed by which the other services hear of their changes."""
