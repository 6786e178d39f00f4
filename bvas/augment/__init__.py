"""Augmentation of training clips on their device, drawn from each clip's seed.

config.py       AugmentConfig
augmenter.py    ClipAugmenter: all changes of a batch
draws.py        random numbers of each clip
spatial.py      camera move, rotation, crop, flip
photometric.py  sharpness, blur, brightness, contrast, posterize, noise
describe.py     text of each clip's changes
"""
