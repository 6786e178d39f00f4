"""Decoding: `open_video`, the reader and its backends, color, fitting, damage, prefetching."""
