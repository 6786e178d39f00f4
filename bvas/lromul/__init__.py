"""Checkpoints and raw scores of lRomul/ball-action-spotting, the system that this architecture comes from."""
