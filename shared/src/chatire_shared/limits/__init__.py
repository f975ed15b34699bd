"""Rate limits that all processes share, and that hold on per process while Redis is away."""
