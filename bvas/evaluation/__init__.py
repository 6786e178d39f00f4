"""Evaluation: files and experiments scored, compared, tuned, ensembled and submitted."""
