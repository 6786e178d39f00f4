"""How good spots are, measured against annotations: pure functions, seconds in, numbers out."""
