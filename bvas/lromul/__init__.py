"""Import of the reference system, lRomul/ball-action-spotting: weights and predictions.

weights.py    checkpoints and raw scores of the reference system, read without running code
importing.py  import as an experiment of ours
published.py  published weights: where they are, and how they are downloaded
"""
