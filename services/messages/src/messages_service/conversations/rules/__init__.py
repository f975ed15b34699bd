"""Rules about conversations on plain values: kinds, texts, permissions, positions, the shape of events. No Django."""
