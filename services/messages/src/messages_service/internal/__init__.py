"""What the gateway asks of this service (docs/internal.md, "messages"): plain views, without DRF's cost per call."""
