"""The network: a 2D encoder over stacks of gray frames, 3D blocks over their features, a logit per label."""
