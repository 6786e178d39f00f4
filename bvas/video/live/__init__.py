"""Running sources: pipes, growing files and broadcasts that are read once, front to back."""
