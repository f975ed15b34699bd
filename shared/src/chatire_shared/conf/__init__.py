"""Builders of settings values; `env` is the only reader of the environment in the project's services."""
