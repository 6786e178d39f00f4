"""Import of the reference system, lRomul/ball-action-spotting.

importing.py  import of the reference system's weights and predictions as an experiment, ready to spot with
published.py  published weights of the reference system: where they are, and how they are downloaded
weights.py    checkpoints and raw scores of lRomul/ball-action-spotting, the system that this architecture comes from
"""
