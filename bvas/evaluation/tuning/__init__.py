"""Rules that turn score curves into spots, chosen from out-of-fold curves."""
