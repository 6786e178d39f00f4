"""Frame index of a video: which frames it shows, at what times, and where decoding can start.

file_identity.py    fingerprint and content hash of a file
file_scan.py        one pass over a file
frame_folder.py     folders of numbered pictures
frame_grid.py       frames on an even grid in time, of a file or as they come
frame_numbering.py  THE rule that gives frames their numbers
frame_table.py      VideoIndex: frames, times, keyframes, cost of a clip; VideoInfo: facts
index_assembly.py   notes on the picture; VideoIndex, VideoInfo and choices from them
index_entry.py      file of a frame table and facts, in the cache and in sidecars
remote_bytes.py     bytes of files on web servers and in object stores
remote_file.py      videos on servers: named, recognized, fetched whole
sidecar.py          VIDEO.bvasindex, an index that travels with its video
stored_picture.py   luma and chroma of a decoded frame; HDR frames, and the lines on tone mapping
stream_facts.py     facts that container, stream and packets state
tone_curve.py       tone mapping of PQ and HLG to SDR
video_index.py      build_index: scan a file, or read cache or sidecar; remembered refusals
"""
