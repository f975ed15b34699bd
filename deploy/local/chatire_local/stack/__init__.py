"""Starting, watching and stopping the parts of a stack. Knows no part by name."""
