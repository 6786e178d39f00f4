"""Slots on a device, where there is none."""

import torch


class SlotsOfTensors:
    """Slots of plain tensors, which counts how often they were waited for."""

    def __init__(self, num_slots, clip_shape):
        self.frames = torch.zeros((num_slots, *clip_shape), dtype=torch.uint8)
        self.num_waits = 0

    def slot(self, number):
        return self.frames[number]

    def complete(self):
        self.num_waits += 1
