"""Publish and subscribe: the doorbell between processes.

Never the record: anything on it may be lost, repeated or late.
"""
