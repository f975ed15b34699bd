"""Peers in Python, written as their own documentation shows it. They run in the bench's own virtual environment."""
