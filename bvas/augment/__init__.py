"""Random changes of clips for training, on the clips' device: one draw per clip, from the clip's seed."""
