"""Parts that only tests use: real servers from wheels, fault points, shared law checkers."""
