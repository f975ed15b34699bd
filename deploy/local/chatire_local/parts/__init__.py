"""The parts of a stack, one module each: where its program is, how it is set up, and how it is started."""
