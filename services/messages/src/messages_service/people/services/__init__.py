"""Deeds on people: applying auth's changes, and looking somebody up who isn't known yet."""
