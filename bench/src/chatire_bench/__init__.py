"""Measures Chatire beside what people would use instead, in the same minutes on the same machine."""
