"""Networks over clips.

config.py      ModelConfig
spotting.py    SpottingModel: the network that is trained, with the parts that training addresses
encoder2d.py   2D encoder of stacks of frames
blocks3d.py    3D blocks over the stacks
pooling.py     generalized-mean pooling
focal_loss.py  LossConfig, focal loss
"""
