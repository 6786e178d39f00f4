"""Networks that classify clips: published ones, and our own.

config.py          VideoModelConfig: the network of an experiment, its sizes and starting weights
clip_network.py    the network of a VideoModelConfig
published.py       PublishedModel: classes, geometry, normalization and clips of each, by name
video_model.py     VideoModel: a published network as a ClipModel, with its own or a new last layer
slow_r50.py        SlowR50: the slow pathway of SlowFast, for pytorchvideo's weights
video_weights.py   published weights, from a file or by download
small_r2plus1d.py  SmallR2plus1d: a small R(2+1)D for CPUs
cnn_lstm.py        CnnLstm: a 2D encoder for each stack of frames, and an LSTM over the stacks
sports.py          sports among the classes of Kinetics-400
"""
