"""Spots that were found or scored, and what is made of them for people and other programs."""
