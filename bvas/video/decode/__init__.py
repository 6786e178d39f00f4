"""Decoding of finished files: `open_video`, the reader and its backends, color, fitting, damage, prefetch.

backends.py          names of the backends, BackendModule, Backend and its kinds
color_fit.py         color planes turned upright and fitted, and their layout
counting_decoder.py  libav where frames are counted, and folders of numbered pictures
damage_scan.py       decoding past damage, lists of lost and damaged frames
damage_tracking.py   pictures that a reported error makes doubtful
file_survey.py       all facts of `bvas video check`
fit.py               scaling and padding into a size
hdr_color.py         HDR in color, mapped to SDR
nvdec_backend.py     backend on NVIDIA's hardware decoders, by PyNvVideoCodec
nvdec_session.py     packets to pictures on NVDEC
open_video.py        open_video
opencv_backend.py    backend by OpenCV's VideoCapture, for files that it reads right
orientation.py       stored luma turned upright and fitted, to a model's size and rate
packet_seek.py       packets from any keyframe on
prefetch.py          frames decoded ahead by threads
pyav_backend.py      backend by PyAV: the reference
pynvvideocodec.py    PyNvVideoCodec: import, choice of the GPU, decoder sessions and their pool
read_video.py        read_video: a whole video in memory, with its sound
reader_ownership.py  one process and one thread at a time
remedies.py          what is awkward about a file, and what helps
rgb_bytes.py         RGB bytes on the CPU
sample_aspects.py    sample aspects that change in mid-stream
sound_frames.py      decoded sound on the clock of the first frame
stored_color.py      color of a decoded frame as 4:2:0 planes, and what they mean
video_reader.py      FrameReader over any backend
"""
