"""Weights and clips that any version of NumPy and PyTorch makes alike, for stored outputs."""

import numpy as np
import torch


def fill(network, seed):
    """Replace the weights of a network by stored random ones, in the order of their names."""
    stream = np.random.RandomState(seed)
    for name, tensor in sorted(network.state_dict().items()):
        if not tensor.dtype.is_floating_point:
            # Counts of batches; swin's indices stay.
            if tensor.ndim == 0:
                tensor.zero_()
            continue
        drawn = torch.from_numpy(stream.random_sample(tuple(tensor.shape)).astype(np.float32))
        if tensor.ndim > 1:
            # Weights of layers: the variance is kept, nearly.
            drawn = (drawn - 0.5) * 2 * (6 / tensor[0].numel()) ** 0.5
        elif name.endswith(("weight", "running_var")):
            drawn = drawn + 0.5
        else:
            drawn = drawn - 0.5
        tensor.copy_(drawn)
    return network.eval()


def clip_of(*shape, seed=0):
    """Return random frames in [0, 1]."""
    return torch.from_numpy(np.random.RandomState(seed).random_sample(shape).astype(np.float32))
