"""Published networks that classify clips.

published.py      PublishedModel: classes, geometry, normalization and clips of each, by name
video_model.py    VideoModel: a published network as a ClipModel, with its own or a new last layer
slow_r50.py       SlowR50: the slow pathway of SlowFast, for pytorchvideo's weights
video_weights.py  published weights, from a file or by download
"""
