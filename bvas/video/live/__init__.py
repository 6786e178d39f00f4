"""Running sources: pipes, growing files and broadcasts that are read once, front to back.

damage_settling.py  pictures held until they are known to be whole
first_facts.py      facts from the container and the first packets, times of arrival
growing_frames.py   decoding, with an index that grows
live_video.py       LiveVideo: frames of a source on one clock
open_stream.py      open_stream, FrameStream
packet_feed.py      packets, fetched by a thread, within time limits
reconnect.py        readers of LiveVideo, reconnects with exponential backoff
reconnect_clock.py  one clock over all connections
stream_reader.py    StreamReader: frames in order, as they come
waiting_bytes.py    bytes of pipes and growing files
"""
