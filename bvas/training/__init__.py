"""From an experiment and a data root to the weights of one fold."""
