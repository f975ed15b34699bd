"""Accounts over HTTP: translate, one call, translate back."""
