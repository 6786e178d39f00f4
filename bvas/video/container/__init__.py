"""Bytes to packets: files, pipes and addresses, container formats, and the headers of coded streams.

chroma_location.py    chroma position that headers state
coded_packets.py      NAL units: random access points, pictures that may be skipped
coded_rate.py         rate that the headers of coded frames state, concealed errors
color_tags.py         primaries, transfer characteristic, matrix; those of headers in mid-stream
completeness.py       announced against received bytes and packets
dolby_vision.py       Dolby Vision profile and base layer
file_tags.py          start timecode, start of the clock, declared length
frame_rate.py         constant or average rate of presentation times
http_bytes.py         a file on a web server, with resumed connections
joined_bytes.py       bytes of a transport stream without its joints
libav_io.py           bytes of addresses and HLS pieces, fetched for libav
mp4_boxes.py          walk over the boxes of an MP4 file, impossible sample counts
open_container.py     opening with libav, its messages, packets past damage
read_options.py       Source: file, growing file, pipe or URL; ReadOptions: stream, rate, tone
sequence_headers.py   SPS of H.264 and HEVC, headers of VP9 and AV1
sequence_tracking.py  the sequence header in force at each packet, traits
stream_choice.py      choice among several video streams
time_repair.py        times as an array, repair of missing and repeated ones
transport_packets.py  fields and program tables of a transport stream
transport_stream.py   joints of a transport stream, found and hidden
"""
