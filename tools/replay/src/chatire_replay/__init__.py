"""`./chatire replay`: IRC logs said again by hundreds of people, and every word of it checked."""
