"""Pure rules of sessions, tokens and keys."""
