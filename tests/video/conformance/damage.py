"""The damaged samples: bytes overwritten, packets lost, ends cut off."""

from coding import x264, x265
from edits import blotted, cut, overwritten, without_ts_packets
from sample import Damaged, coded

_B = coded(num_frames=120, options=x264(keyint=25, bframes=3))
_HEVC = coded(num_frames=120, codec="libx265", options=x265(open_gop=1, bframes=3, keyint=25))
_HEAD_FIRST = coded(
    num_frames=120, options=x264(keyint=25, bframes=3), container_options={"movflags": "faststart"}
)

DAMAGED = [
    *(
        Damaged(name=f"bytes-{seed}.mp4", whole=_B, edit=overwritten(seed, num_packets=6, num_bytes=12))
        for seed in range(4)
    ),
    *(
        Damaged(
            name=f"hevc-bytes-{seed}.mp4", whole=_HEVC, edit=overwritten(seed, num_packets=6, num_bytes=12)
        )
        for seed in range(4)
    ),
    Damaged(name="packets-gone.mp4", whole=_B, edit=blotted([17, 18, 60])),
    Damaged(name="keyframe-gone.mp4", whole=_B, edit=blotted([25])),
    *(
        Damaged(name=f"lost-{seed}.ts", whole=_B, edit=without_ts_packets(seed, num_losses=5, length=2))
        for seed in range(4)
    ),
    *(
        Damaged(
            name=f"hevc-lost-{seed}.ts", whole=_HEVC, edit=without_ts_packets(seed, num_losses=5, length=2)
        )
        for seed in range(2)
    ),
    Damaged(name="long-loss.ts", whole=_B, edit=without_ts_packets(7, num_losses=1, length=60)),
    Damaged(name="cut-off.ts", whole=_B, edit=cut(0, 0.7)),
    Damaged(name="cut-off.mp4", whole=_HEAD_FIRST, edit=cut(0, 0.7)),
    Damaged(name="hevc-cut-off.ts", whole=_HEVC, edit=cut(0, 0.6)),
]
