"""Tuning: rules that turn score curves into spots or intervals, chosen on out-of-fold curves.

choice.py           best rule and operating point of one label
counting.py         counts of spots and hits by many rules
curves.py           curves of an experiment with their annotations
grid.py             grid of the rules that are tried
interval_tuning.py  nested choice of the rules of intervals
nested.py           nested choice, and its gain
"""
