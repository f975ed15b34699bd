"""The outbox: what a transaction wants published, written in the same transaction, and the relay that publishes it.

A reusable Django app (label `outbox`). Everything committed is published at least once, and in order within a stream.
"""
