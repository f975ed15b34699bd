"""The realtime gateway: who is listening now. It owns no durable state; any of its processes may die at any time."""
