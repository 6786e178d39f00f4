"""Cuts of copied packets: which frames come along, and what is refused."""

from fractions import Fraction

import av
import numpy as np
import pytest
from cut_samples import numbers_and_seconds, sound_of, sound_offset_seconds, write_chirped
from video_samples import make_changing_video, make_video, numbers_in

import bvas
from bvas.data.interval_files import IntervalRow, intervals_csv_text
from bvas.errors import ConfigError
from bvas.values.annotations import Interval
from bvas.video.index.video_index import build_index


def check_copied(path, made):
    """Check that a file shows exactly the frames that it says, at their times, by two decoders."""
    wanted = [frame for one in made.stretches for frame in one.frames]
    numbers, seconds = numbers_and_seconds(path)
    assert numbers == wanted
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert numbers_in([frame.to_ndarray(format="gray") for frame in frames]) == wanted
    bounds = np.concatenate(
        [
            one.begin_seconds
            + one.source.index.seconds[one.frames]
            - one.source.index.seconds[one.frames.start]
            for one in made.stretches
        ]
    )
    assert np.abs(seconds - bounds).max() < 1e-5


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_a_copy_holds_the_frames_from_the_keyframe_before_and_says_so(tmp_path, suffix, b_frames):
    # A keyframe every 12 frames.
    video = write_chirped(tmp_path / f"a{suffix}", num_frames=120, options={"bf": b_frames, "b_adapt": "0"})
    intervals = [Interval("A", 0.4, 0.8), Interval("B", 2.0, 2.4), Interval("C", 4.0, 4.8)]

    (made,) = bvas.cut(video, intervals=intervals, out=tmp_path / "copy.mp4", copy=True)

    starts = [one.frames.start for one in made.stretches]
    assert starts == [0, 48, 96]
    asked = [one.asked for one in made.stretches]
    assert asked == [(range(10, 20),), (range(50, 60),), (range(100, 120),)]
    for one in made.stretches:
        assert one.frames.stop - one.asked[-1].stop <= int(b_frames)
        assert one.num_added == len(one.frames) - len(one.asked[0])
    assert made.num_frames == sum(len(one.frames) for one in made.stretches)
    check_copied(tmp_path / "copy.mp4", made)
    seconds = build_index(tmp_path / "copy.mp4")[0].duration_seconds
    assert seconds == pytest.approx(made.duration_seconds, abs=1e-5)
    samples = sound_of(tmp_path / "copy.mp4")
    for one in (made.stretches[0], made.stretches[-1]):
        offset = sound_offset_seconds(samples, one.begin_seconds + 0.02, one.frames.start / 25 + 0.02)
        assert abs(offset) < 0.010


def test_the_packets_are_those_of_the_source(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=60, options={"sc_threshold": "0"})
    (made,) = bvas.cut(video, intervals=[Interval("A", 0.96, 1.4)], out=tmp_path / "b.mp4", copy=True)
    with av.open(str(video)) as old, av.open(str(tmp_path / "b.mp4")) as new:
        before = [bytes(packet) for packet in old.demux(video=0) if packet.size]
        after = [bytes(packet) for packet in new.demux(video=0) if packet.size]
    assert after == before[24 : 24 + made.num_frames]


def test_copies_of_one_gop_become_one_unless_they_are_kept(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=60, options={"bf": "0", "sc_threshold": "0"})
    intervals = [Interval("A", 0.08, 0.2), Interval("A", 0.32, 0.4), Interval("A", 1.0, 1.2)]

    (made,) = bvas.cut(video, intervals=intervals, out=tmp_path / "b.mp4", copy=True)
    (kept,) = bvas.cut(video, intervals=intervals, out=tmp_path / "c.mp4", copy=True, keep_overlaps=True)

    assert [(one.frames, one.num_added) for one in made.stretches] == [(range(10), 5), (range(24, 30), 1)]
    check_copied(tmp_path / "b.mp4", made)
    assert [one.frames for one in kept.stretches] == [range(5), range(10), range(24, 30)]
    check_copied(tmp_path / "c.mp4", kept)


def test_hevc_and_a_variable_rate_are_copied(tmp_path):
    times = np.cumsum(np.random.default_rng(1).choice([20, 33, 40, 70], 80)).tolist()
    video = write_chirped(
        tmp_path / "a.mkv",
        num_frames=80,
        times=times,
        time_base=Fraction(1, 1000),
        codec="libx265",
        options={"x265-params": "log-level=none:keyint=12:min-keyint=12:scenecut=0:open-gop=0"},
    )
    seconds = build_index(video)[0].seconds
    intervals = [Interval("A", seconds[30], seconds[40]), Interval("A", seconds[55], seconds[60])]

    (made,) = bvas.cut(video, intervals=intervals, out=tmp_path / "b.mp4", copy=True)

    assert [one.frames.start for one in made.stretches] == [24, 48]
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
    check_copied(tmp_path / "b.mp4", made)


def test_open_groups_are_passed_over_to_a_keyframe_that_stands_alone(tmp_path):
    # x264 begins the file with an IDR picture; the other keyframes have leading pictures.
    options = {"bf": "3", "b_adapt": "0", "x264-params": "open-gop=1:keyint=12:min-keyint=12:scenecut=0"}
    video = make_video(tmp_path / "a.mp4", num_frames=60, options=options)

    (made,) = bvas.cut(video, intervals=[Interval("A", 1.6, 1.8)], out=tmp_path / "b.mp4", copy=True)

    assert made.stretches[0].frames.start == 0
    check_copied(tmp_path / "b.mp4", made)


def test_the_rotation_and_sample_aspect_are_kept(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=30, rotation=-90, sample_aspect=Fraction(4, 3))
    before = build_index(video)[1]

    bvas.cut(video, intervals=[Interval("A", 0.5, 1.0)], out=tmp_path / "b.mp4", copy=True)

    after = build_index(tmp_path / "b.mp4")[1]
    assert before.rotation == 90
    assert (after.rotation, after.sample_aspect) == (before.rotation, before.sample_aspect)


def test_parts_of_one_coding_are_copied_together(tmp_path):
    parts = [
        make_video(tmp_path / f"{name}.mp4", num_frames=30, first_number=first)
        for name, first in (("a", 0), ("b", 100))
    ]
    rows = [IntervalRow(video=name, interval=Interval("A", 0.5, 0.8)) for name in ("a.mp4", "b.mp4")]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))

    (made,) = bvas.cut(parts, intervals=tmp_path / "i.csv", out=tmp_path / "c.mp4", copy=True)

    first, second = (one.frames for one in made.stretches)
    assert numbers_and_seconds(tmp_path / "c.mp4")[0] == [*first, *(100 + frame for frame in second)]


def test_a_clip_of_copied_packets_begins_at_zero(tmp_path):
    video = write_chirped(tmp_path / "a.mp4", num_frames=60)
    (made,) = bvas.cut(video, intervals=[Interval("A", 1.2, 1.6)], clips=tmp_path / "clips", copy=True)
    assert numbers_and_seconds(made.path)[1][0] == 0
    check_copied(made.path, made)


def test_what_cannot_be_copied_is_refused_with_the_remedy(tmp_path):
    other = make_video(tmp_path / "mpeg4.mkv", num_frames=40, codec="mpeg4")
    changing = make_changing_video(tmp_path / "changing.ts", [(24, (48, 80), 1), (24, (96, 160), 1)])
    small = make_video(tmp_path / "small.mp4", num_frames=40)
    large = make_video(tmp_path / "large.mp4", num_frames=40, size=(96, 160))
    one = [Interval("A", 0.8, 1.2)]
    for video, message in (
        (other, r"mpeg4\.mkv cannot be copied: it is mpeg4"),
        (changing, r"changing\.ts cannot be copied: its coding changes"),
    ):
        with pytest.raises(ConfigError, match=f"{message}.*leave out --copy"):
            bvas.cut(video, intervals=one, out=tmp_path / "b.mp4", copy=True)
    rows = [IntervalRow(video=name, interval=one[0]) for name in ("small.mp4", "large.mp4")]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))
    with pytest.raises(
        ConfigError, match=r"large\.mp4 cannot be copied: it is coded otherwise than small\.mp4"
    ):
        bvas.cut([small, large], intervals=tmp_path / "i.csv", out=tmp_path / "b.mp4", copy=True)
    for choice in ({"speed": 0.5}, {"titles": True}, {"codec": "hevc"}, {"crf": 20}):
        with pytest.raises(ConfigError, match="--copy keeps the packets as they are"):
            bvas.cut(small, intervals=one, out=tmp_path / "b.mp4", copy=True, **choice)
    assert not (tmp_path / "b.mp4").exists()
