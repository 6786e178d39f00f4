"""Synthetic matches: a play simulation, a broadcast rendering of it, and files as a real league has them."""
