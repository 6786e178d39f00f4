"""Predicting many matches: what is to be done, what is finished, and each match so that a kill costs little."""
