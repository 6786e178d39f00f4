"""Ensembles: the mean of the score curves of several experiments.

averaging.py         weighted mean of curves on one grid of times
ensemble.py          weights, score and folder of an ensemble
members.py           members, and their curves on one grid
selection.py         greedy forward selection of members
weighting_scores.py  official scores of weightings
"""
