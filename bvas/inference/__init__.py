"""Inference: frames of a video in, score rows out, spots from these.

batchnorm_folding.py  batch normalization as part of the convolutions
class_rows.py         rows of a table of classes
class_windows.py      windows of a video, and their classes
classifier.py         the networks that classify clips, trained or published
classify_video.py     classes of a video in one call
clip_states.py        frames of stacks and stacks of clips, with their states
engine_choice.py      the engine of each part of the models, by a measurement
engine_protocol.py    interface between the streaming algorithm and what computes
file_rows.py          score rows of a video file, segment by segment
flip_tta.py           mirror images, and the mean over models
full_batches.py       which stacks or clips are computed at once
half_precision.py     a 2D network in float16 or bfloat16
incremental_peaks.py  peaks of a curve that still grows
lag.py                what is skipped where a broadcast is faster than the models
live_rows.py          score rows of a source while it is received
live_spots.py         spots of a source while it is received
model_parts.py        the 2D and 3D parts of a model on other engines
precision.py          precision and batch size by device
prepared_model.py     a model made fast for prediction
repeats.py            frames, stacks and clips that equal the one before
ring_buffer.py        states and numbers of the newest items
row_stride.py         interpolation between rows of a stride
spot_video.py         curve, spots and gaps of one video
spotter.py            the trained models of an experiment
streaming.py          the streaming algorithm
torch_engine.py       PyTorch as its engine
video_remarks.py      log lines on videos that are unlike those of training
"""
