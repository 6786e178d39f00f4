"""The undamaged samples: codecs, orders of coding, containers, times and pictures that decoders get wrong."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from edits import (
    all_marked_as_keyframes,
    cut,
    from_keyframe,
    hidden,
    joined,
    moved,
    sharing_a_time,
    shown_earlier,
    stamped,
    with_audio,
)
from sample import NUM_FRAMES, Make, Sample, coded, edited

TICK = 512  # Of a frame at 25 per second in the mp4 files that libav writes.
TIMES = np.cumsum(np.random.default_rng(5).integers(20, 90, NUM_FRAMES)).tolist()

COUNTED = dict.fromkeys(("opencv", "nvdec"), "no reliable presentation times")
INTERLACED = dict.fromkeys(("opencv", "nvdec"), "is interlaced")
IN_TS = {"opencv": "in a mpegts container"}
VARIABLE = {"opencv": "variable frame rate"}
GRADUAL = {"opencv": "refreshes gradually"}
NO_10_BIT = {"opencv": "not 8-bit 4:2:0"}
NOT_420 = {"opencv": "not 8-bit 4:2:0", "nvdec": "not 4:2:0"}
# What a chip may lack, by its own answer.
NOT_ON_ALL_GPUS = {"nvdec": "this GPU does not decode"}

# The wheels of OpenCV 5.0 hold no decoder of AV1 in software.
NOT_IN_ALL_OPENCV = {"opencv": "is not read by OpenCV"}


def not_on_gpus(codec: str) -> dict[str, str]:
    return {"nvdec": f"is coded as {codec}"}


def x264(**options: object) -> dict[str, str]:
    """Options of libx264; fixed intervals, so that its choice of frame types does not depend on version."""
    options = {"scenecut": 0, "b-adapt": 0, **options}
    return {"x264-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())}


def x265(**options: object) -> dict[str, str]:
    options = {"scenecut": 0, "b-adapt": 0, **options}
    return {"x265-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())}


OPEN = x264(open_gop=1, keyint=12, bframes=3)
OPEN_HEVC = x265(open_gop=1, bframes=3)

H264 = [
    Sample(name="no-b.mp4", make=coded(options=x264(keyint=12, bframes=0))),
    Sample(name="every-frame-a-keyframe.mp4", make=coded(options=x264(keyint=1))),
    Sample(name="b.mp4", make=coded(options=x264(keyint=12, bframes=3, b_pyramid="none"))),
    Sample(name="pyramid.mp4", make=coded(options=x264(keyint=50, bframes=7, b_pyramid="normal", ref=4))),
    Sample(name="slices.mp4", make=coded(options=x264(keyint=25, bframes=2, slices=4))),
    Sample(name="closed-50.mkv", make=coded(options=x264(keyint=50, bframes=3))),
    Sample(
        name="closed-250.mp4",
        make=coded(num_frames=300, options=x264(keyint=250, min_keyint=250, bframes=3)),
        shown=range(300),
    ),
    Sample(name="open-12.mp4", make=coded(options=OPEN)),
    Sample(name="open-12.ts", make=coded(options=OPEN), refused=IN_TS),
    Sample(
        name="open-50.mkv",
        make=coded(num_frames=120, options=x264(open_gop=1, keyint=50, bframes=5)),
        shown=range(120),
    ),
    Sample(
        name="refresh.mp4",
        make=coded(options=x264(intra_refresh=1, keyint=12, bframes=0)),
        refused=GRADUAL,
    ),
    Sample(
        name="refresh.ts",
        make=coded(options=x264(intra_refresh=1, keyint=12, bframes=0)),
        refused=IN_TS,
    ),
]

CODECS = [
    Sample(name="hevc-open.mp4", make=coded(codec="libx265", options=OPEN_HEVC)),
    Sample(name="hevc-open.ts", make=coded(codec="libx265", options=OPEN_HEVC), refused=IN_TS),
    Sample(
        name="hevc-closed.mkv", make=coded(codec="libx265", options=x265(open_gop=0, bframes=4, b_pyramid=1))
    ),
    Sample(
        name="hevc-layers.mp4",
        make=coded(codec="libx265", options=x265(open_gop=0, temporal_layers=3, bframes=7)),
    ),
    Sample(
        name="hevc-open-layers.mkv",
        make=coded(codec="libx265", options=x265(open_gop=1, temporal_layers=3, bframes=7)),
    ),
    Sample(
        name="hevc-refresh.mp4",
        make=coded(codec="libx265", options=x265(intra_refresh=1, bframes=0, keyint=30)),
    ),
    Sample(
        name="hevc-from-its-second-keyframe.mp4",
        make=edited(from_keyframe(1), codec="libx265", options=OPEN_HEVC),
        shown=range(12, NUM_FRAMES),
    ),
    Sample(
        name="hevc-from-its-second-keyframe.ts",
        make=edited(from_keyframe(1), "source.ts", codec="libx265", options=OPEN_HEVC),
        shown=range(12, NUM_FRAMES),
        refused=IN_TS,
    ),
    Sample(
        name="hevc-10-bit.mkv",
        make=coded(codec="libx265", pixel_format="yuv420p10le"),
        says={"bit_depth": 10},
        refused=NO_10_BIT,
    ),
    Sample(
        name="hidden.webm",
        # Packets of two frames each, of which the first is not shown.
        make=coded(
            num_frames=120,
            codec="libvpx-vp9",
            options={"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "25", "b": "200k", "g": "60"},
        ),
        shown=range(120),
    ),
    Sample(
        name="hidden-vp8.webm",
        make=edited(
            hidden(1, 17, 40),
            "source.webm",
            codec="libvpx",
            options={"cpu-used": "8", "b": "300k", "g": "20"},
        ),
        shown=[number for number in range(NUM_FRAMES) if number not in (1, 17, 40)],
        refused=VARIABLE | not_on_gpus("vp8"),
    ),
    Sample(
        name="av1.mp4",
        make=coded(codec="libsvtav1", options={"preset": "12", "g": "25"}),
        may_refuse=NOT_ON_ALL_GPUS | NOT_IN_ALL_OPENCV,
    ),
    Sample(
        name="av1.mkv",
        make=coded(codec="libsvtav1", options={"preset": "12", "g": "12", "svtav1-params": "pred-struct=2"}),
        may_refuse=NOT_ON_ALL_GPUS | NOT_IN_ALL_OPENCV,
    ),
    Sample(name="mpeg4.mp4", make=coded(codec="mpeg4", options={"bf": "2"}), refused=not_on_gpus("mpeg4")),
    Sample(name="mpeg4.mkv", make=coded(codec="mpeg4", options={"bf": "2"}), refused=not_on_gpus("mpeg4")),
    Sample(name="mpeg4.avi", make=coded(codec="mpeg4", options={"bf": "2"}), refused=COUNTED),
    Sample(
        name="mpeg2.ts",
        make=coded(codec="mpeg2video", options={"bf": "2", "g": "12"}),
        refused=IN_TS | not_on_gpus("mpeg2video"),
    ),
    Sample(
        name="mjpeg.mkv",
        make=coded(codec="mjpeg", pixel_format="yuvj420p"),
        says={"color_range": "full"},
        refused=not_on_gpus("mjpeg"),
    ),
    Sample(name="mjpeg.avi", make=coded(codec="mjpeg", pixel_format="yuvj420p"), refused=COUNTED),
]

CONTAINERS = [
    Sample(name="b.ts", make=coded(options=x264(keyint=12, bframes=3)), refused=IN_TS),
    Sample(name="h264.avi", make=coded(options=x264(keyint=12, bframes=3)), refused=COUNTED),
    Sample(name="b.flv", make=coded(), refused={"opencv": "in a flv container"}),
    Sample(name="bare.h264", make=coded(options=x264(keyint=12, bframes=3)), refused=COUNTED),
    Sample(name="pieces.mp4", make=coded(container_options={"movflags": "frag_keyframe+empty_moov"})),
    Sample(name="without-cues.mkv", make=coded(container_options={"live": "1"})),
    Sample(name="audio-beside.mp4", make=edited(with_audio)),
    Sample(name="audio-beside.ts", make=edited(with_audio, "source.ts"), refused=IN_TS),
    Sample(
        name="all-marked-as-keyframes.mkv",
        make=edited(all_marked_as_keyframes, options=x264(keyint=60, min_keyint=60, bframes=3, scenecut=400)),
    ),
    Sample(
        name="all-marked-as-keyframes-hevc.mkv",
        make=edited(all_marked_as_keyframes, codec="libx265", options=OPEN_HEVC),
        refused={"opencv": "marks packets as keyframes that are none"},
    ),
    Sample(name="Spiel 1, Köln 上半場 #1.mp4", make=coded()),
]

TIMING = [
    Sample(name="ntsc.mkv", make=coded(rate=Fraction(30000, 1001)), says={"rate": Fraction(30000, 1001)}),
    Sample(name="ntsc.mp4", make=coded(rate=Fraction(30000, 1001)), says={"rate": Fraction(30000, 1001)}),
    Sample(name="fast.mp4", make=coded(rate=50), says={"rate": Fraction(50), "variable_rate": False}),
    *(
        Sample(
            name=f"variable.{container}",
            make=coded(times=TIMES, time_base=Fraction(1, 1000)),
            says={"variable_rate": True},
            refused=VARIABLE,
        )
        for container in ("mp4", "mkv")
    ),
    Sample(
        name="edit-list.mp4",
        make=edited(moved(-15 * TICK, use_editlist="1")),
        shown=range(15, NUM_FRAMES),
    ),
    Sample(
        name="before-zero.mp4",
        make=edited(shown_earlier(9 * TICK), container_options={"use_editlist": "0"}),
        says={"start_seconds": -0.28},
    ),
    *(
        Sample(
            name=f"late.{container}",
            make=coded(times=range(137, 137 + NUM_FRAMES), time_base=Fraction(1, 25)),
            says={"start_seconds": 5.48},
        )
        for container in ("mp4", "mkv")
    ),
    Sample(
        name="from-within-an-interval.ts",
        make=edited(
            cut(0.3, 1),
            "source.ts",
            num_frames=120,
            options=x264(keyint=30, bframes=3, open_gop=1, nal_hrd="cbr", bitrate=200, vbv_bufsize=20),
        ),
        shown=range(60, 120),
        refused=IN_TS,
    ),
    Sample(
        name="sharing-a-time.mp4",
        make=edited(sharing_a_time(20, 35, TICK), options=x264(keyint=12, bframes=0)),
        refused=COUNTED,
    ),
    Sample(
        name="clock-runs-over.ts",
        # The clock of a TS has 33 bits; at frame 30 it starts from 0 again.
        make=edited(moved(2**33 - 30 * 3600), "source.ts"),
        refused=IN_TS,
    ),
]


def turned(degrees: int, *, mirrored: bool = False) -> Sample:
    """Stored so that turning by some degrees counterclockwise, then mirroring, gives the picture."""

    def store(luma: np.ndarray) -> np.ndarray:
        return np.rot90(np.fliplr(luma) if mirrored else luma, -degrees // 90)

    return Sample(
        name=f"turned-{degrees}{'-mirrored' * mirrored}.mp4",
        make=coded(rotation=degrees, mirrored=mirrored, store=store),
        says={"height": 144, "width": 160, "mirrored": mirrored},
    )


PICTURES = [
    Sample(
        name="10-bit.mp4",
        make=coded(pixel_format="yuv420p10le"),
        says={"bit_depth": 10},
        refused=NO_10_BIT,
        may_refuse=NOT_ON_ALL_GPUS,
    ),
    Sample(name="full.mp4", make=coded(pixel_format="yuvj420p"), says={"color_range": "full"}),
    Sample(
        name="rgb.mp4",
        make=coded(codec="libx264rgb", pixel_format="rgb24"),
        says={"color_range": "full"},
        refused=NOT_420,
    ),
    Sample(
        name="rgb.mkv",
        make=coded(codec="ffv1", pixel_format="bgr0"),
        says={"color_range": "full"},
        refused=NOT_420 | not_on_gpus("ffv1"),
    ),
    Sample(
        name="anamorphic.mp4",
        make=coded(sample_aspect=Fraction(16, 11)),
        says={"sample_aspect": Fraction(16, 11)},
    ),
    Sample(name="odd-size.mp4", make=coded(size=(150, 166)), says={"height": 150, "width": 166}),
    *(
        Sample(
            name=name,
            make=coded(options=x264(keyint=12, **fields)),
            says={"interlaced": True},
            refused=INTERLACED | (IN_TS if name.endswith("ts") else {}),
        )
        for name, fields in (
            ("top-field-first.mp4", {"tff": 1}),
            ("bottom-field-first.ts", {"bff": 1}),
            ("coded-as-if-interlaced.mp4", {"fake_interlaced": 1}),
        )
    ),
    turned(90),
    turned(180),
    turned(270),
    *(turned(degrees, mirrored=True) for degrees in (0, 90, 180, 270)),
]


def program_after_program(second: Make, **first: Any) -> Make:
    """A recording of 36 frames of one program and 24 of the next, each with headers of its own."""
    bare = edited(joined(second), "source.h264", num_frames=36, **first)

    def make(path: Path) -> None:
        bare(path.with_name("both.h264"))
        stamped(25)(path.with_name("both.h264"), path)

    return make


NO_B = x264(keyint=12, bframes=0)
FIELDS_LATER = [
    Sample(
        name=f"fields-later.{container}",
        make=program_after_program(
            coded(first_number=36, num_frames=24, options=x264(keyint=12, bframes=0, tff=1)),
            options=NO_B,
        ),
        says={"interlaced": True},
        refused=refused,
    )
    for container, refused in (("ts", INTERLACED | IN_TS), ("mkv", INTERLACED))
]

SAMPLES = [*H264, *CODECS, *CONTAINERS, *TIMING, *PICTURES, *FIELDS_LATER]
