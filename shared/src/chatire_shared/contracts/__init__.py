"""Pure definitions of what crosses a process boundary: errors, ids, frames, envelopes, close codes."""
