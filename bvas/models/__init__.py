"""Networks over clips.

config.py          ModelConfig
clip_model.py      ClipModel: base class, with the parts that training addresses
spotting.py        SpottingModel: the network that spots
encoder2d.py       2D encoder of stacks of frames
encoder_stages.py  stages of a timm encoder, blocks of any
blocks3d.py        3D blocks over the stacks
pooling.py         generalized-mean pooling
focal_loss.py      LossConfig, focal loss
logits_check.py    refuses networks that end in softmax
video/             networks that classify clips: published ones, and our own
"""
