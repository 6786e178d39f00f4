"""All undamaged samples: by how they are coded, by container, times and picture."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from coding import (
    CODECS,
    COUNTED,
    H264,
    IN_TS,
    INTERLACED,
    NO_10_BIT,
    NOT_420,
    NOT_ON_ALL_GPUS,
    OPEN_HEVC,
    VARIABLE,
    not_on_gpus,
    x264,
)
from edits import (
    all_marked_as_keyframes,
    cut,
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
        refused={"opencv": "marks packets as keyframes that are not"},
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
    Sample(
        name="scaling-lists.mp4",
        make=coded(options=x264(keyint=12, cqm="jvt")),
        says={"interlaced": False},
    ),
    Sample(
        name="mpeg2-fields.mkv",
        make=coded(codec="mpeg2video", options={"flags": "+ildct+ilme", "g": "12"}),
        says={"interlaced": True},
        refused=INTERLACED,
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
            ("fields-and-scaling-lists.mkv", {"tff": 1, "cqm": "jvt"}),
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
