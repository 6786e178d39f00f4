"""Frame-exact reading and writing of video: gray frames, by several decoders with one numbering.

container/  bytes to packets: files, pipes, addresses, container formats, headers of coded streams
index/      frame numbers and times of a file: scan, numbering rule, cache, grid
decode/     open_video, the reader and its backends, color, fitting, damage, prefetch
encode/     video files written frame by frame, copies, previews, sound
live/       open_stream: running sources, reconnects, the grid as it grows
"""
