"""Predictions against labels: an experiment's own, files of any system, and two against each other."""
