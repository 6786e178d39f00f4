"""Joined cuts: the frames asked for, at their times, with their sound, in one encode."""

from fractions import Fraction

import av
import numpy as np
import pytest
from cut_samples import (
    chirp,
    numbers_and_seconds,
    sound_of,
    sound_offset_seconds,
    write_chirped,
)
from video_samples import make_video, read_luma

import bvas
from bvas.data.interval_files import IntervalRow, intervals_csv_text
from bvas.errors import ConfigError
from bvas.values.annotations import Interval
from bvas.video.index.video_index import build_index


def four_rates(folder, seconds):
    """Write barcoded videos of 25, 29.97, 50 and of variable rate, each with its sound."""
    rng = np.random.default_rng(5)
    steps = rng.choice([17, 20, 33, 40, 60, 83], round(seconds * 24))
    times = np.concatenate([[0], np.cumsum(steps)]).tolist()
    return [
        write_chirped(folder / "a25.mp4", num_frames=round(25 * seconds)),
        write_chirped(folder / "b2997.ts", num_frames=round(29.97 * seconds), rate=Fraction(30000, 1001)),
        write_chirped(folder / "c50.mkv", num_frames=round(50 * seconds), rate=50),
        write_chirped(
            folder / "d_variable.mkv",
            num_frames=len(times),
            times=times,
            time_base=Fraction(1, 1000),
            options={"bf": "0"},
        ),
    ]


def random_cuts(videos, count, longest, seed):
    """Return (video, first frame, frame behind the last) of random cuts, in order of time."""
    rng = np.random.default_rng(seed)
    cuts = []
    for _ in range(count):
        part = int(rng.integers(len(videos)))
        index = build_index(videos[part])[0]
        bounds = np.append(index.seconds, index.duration_seconds)
        first = int(rng.integers(index.num_frames - 1))
        stop = int(np.searchsorted(bounds, bounds[first] + rng.uniform(0.2, longest)))
        stop = min(stop, index.num_frames)
        if bounds[stop] - bounds[first] < 0.2:
            first = int(np.searchsorted(bounds, bounds[stop] - 0.2) - 1)
        cuts.append((part, first, stop))
    return sorted(cuts)


def write_rows(path, videos, cuts):
    rows = []
    for part, first, stop in cuts:
        index = build_index(videos[part])[0]
        bounds = np.append(index.seconds, index.duration_seconds)
        interval = Interval("CUT", float(bounds[first]), float(bounds[stop]))
        rows.append(IntervalRow(video=videos[part].name, interval=interval))
    path.write_text(intervals_csv_text(rows))
    return path


def check_cuts(path, videos, cuts, *, speed=1.0):
    """Check barcodes and times of a file of cuts; return the offset of sound and picture of each cut, in seconds."""
    numbers, seconds = numbers_and_seconds(path)
    samples = sound_of(path) if speed == 1 else None
    offsets, done, begin = [], 0, 0.0
    for part, first, stop in cuts:
        index = build_index(videos[part])[0]
        count = stop - first
        assert numbers[done : done + count] == [frame % 1024 for frame in range(first, stop)]
        bounds = np.append(index.seconds, index.duration_seconds)
        wanted = begin + (bounds[first:stop] - bounds[first]) / speed
        assert np.abs(seconds[done : done + count] - wanted).max() < 1e-5
        length = bounds[stop] - bounds[first]
        if samples is not None:
            # Beside the fades.
            heard = min(0.15, length - 0.04)
            offsets.append(
                sound_offset_seconds(samples, begin + 0.02, bounds[first] + 0.02, heard, most=0.04)
            )
        begin += length / speed
        done += count
    assert done == len(numbers)
    return offsets


def psnr_of(path, videos, cuts, most):
    """Return the PSNR of the luma of each frame, of the first `most` cuts."""
    found, done = [], 0
    with bvas.open_video(path, cache=False) as made:
        for part, first, stop in cuts[:most]:
            with bvas.open_video(videos[part]) as source:
                before = read_luma(source, range(first, stop)).astype(float)
            after = read_luma(made, range(done, done + stop - first)).astype(float)
            errors = ((before - after) ** 2).mean(axis=(1, 2))
            found += (10 * np.log10(255**2 / np.maximum(errors, 1e-9))).tolist()
            done += stop - first
    return found


def check_random_cuts(folder, *, count, seconds, longest, num_clips):
    videos = four_rates(folder, seconds)
    cuts = random_cuts(videos, count, longest, seed=7)
    rows = write_rows(folder / "cuts.csv", videos, cuts)

    (made,) = bvas.cut(videos, intervals=rows, out=folder / "all.mp4", keep_overlaps=True)

    assert len(made.stretches) == count
    offsets = check_cuts(folder / "all.mp4", videos, cuts)
    psnr = psnr_of(folder / "all.mp4", videos, cuts, most=count)
    print(
        f"{count} cuts, {made.num_frames} frames, {made.duration_seconds:.1f} s; sound against picture: first "
        f"{offsets[0] * 1000:+.2f} ms, last {offsets[-1] * 1000:+.2f} ms, worst {np.abs(offsets).max() * 1000:.2f} ms; "
        f"PSNR lowest {min(psnr):.1f} dB, mean {np.mean(psnr):.1f} dB"
    )
    assert np.abs(offsets).max() < 0.010
    assert min(psnr) >= 40
    chosen = cuts[:: max(1, count // num_clips)]
    rows = write_rows(folder / "chosen.csv", videos, chosen)
    clips = bvas.cut(videos, intervals=rows, clips=folder / "clips", keep_overlaps=True)
    assert len(clips) == len(chosen)
    for clip, cut in zip(clips, chosen, strict=True):
        (offset,) = check_cuts(clip.path, videos, [cut])
        assert abs(offset) < 0.010


def test_cuts_of_four_rates_are_exact_with_their_sound(tmp_path):
    check_random_cuts(tmp_path, count=40, seconds=6, longest=1.5, num_clips=6)


@pytest.mark.slow
def test_five_hundred_cuts_are_exact_with_their_sound(tmp_path):
    check_random_cuts(tmp_path, count=500, seconds=60, longest=8, num_clips=40)


# No tick of an mp4 holds all times at 0.997 exactly.
@pytest.mark.parametrize("speed", [0.5, 0.997])
def test_at_another_speed_every_frame_comes_once_for_longer(tmp_path, speed):
    videos = four_rates(tmp_path, 3)
    cuts = [(0, 10, 40), (1, 3, 20), (3, 12, 30)]
    rows = write_rows(tmp_path / "cuts.csv", videos, cuts)

    (made,) = bvas.cut(videos, intervals=rows, out=tmp_path / "slow.mp4", speed=speed)

    check_cuts(tmp_path / "slow.mp4", videos, cuts, speed=speed)
    assert not made.has_sound
    with av.open(str(tmp_path / "slow.mp4")) as container:
        assert not container.streams.audio


def test_at_another_speed_the_sound_is_stretched_where_told_to(tmp_path):
    video = write_chirped(tmp_path / "a.mp4", num_frames=150)
    for speed, seconds in ((0.25, 16.0), (0.5, 8.0), (4.0, 1.0)):
        (made,) = bvas.cut(
            video,
            intervals=[Interval("A", 1.0, 5.0)],
            out=tmp_path / "a2.mp4",
            speed=speed,
            stretch_sound=True,
            overwrite=True,
        )
        assert (made.num_frames, made.has_sound) == (100, True)
        samples = sound_of(tmp_path / "a2.mp4")
        assert len(samples) / 48_000 == pytest.approx(seconds, abs=0.03)
        # In the middle the source is at 3 s: 1000 + 3 * 500 Hz.
        middle = samples[len(samples) // 2 - 2400 : len(samples) // 2 + 2400]
        pitch = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * 10
        assert pitch == pytest.approx(2500, abs=60)


def test_cuts_that_overlap_or_touch_become_one_unless_they_are_kept(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    intervals = [
        Interval("A", 0.4, 0.8),
        Interval("B", 0.6, 1.0),
        Interval("A", 1.0, 1.2),
        Interval("A", 1.6, 1.8),
    ]

    (made,) = bvas.cut(video, intervals=intervals, out=tmp_path / "joined.mp4")
    (kept,) = bvas.cut(video, intervals=intervals, out=tmp_path / "kept.mp4", keep_overlaps=True)

    assert [one.frames for one in made.stretches] == [range(10, 30), range(40, 45)]
    assert numbers_and_seconds(tmp_path / "joined.mp4")[0] == [*range(10, 30), *range(40, 45)]
    assert [one.frames for one in kept.stretches] == [
        range(10, 20),
        range(15, 25),
        range(25, 30),
        range(40, 45),
    ]


def test_the_sound_fades_at_the_ends_of_a_cut_and_not_within_a_joined_one(tmp_path):
    video = write_chirped(tmp_path / "a.mp4", num_frames=100)
    intervals = [Interval("A", 1.0, 2.0), Interval("A", 2.0, 2.6), Interval("A", 3.0, 3.4)]

    bvas.cut(video, intervals=intervals, out=tmp_path / "b.mp4")

    samples = sound_of(tmp_path / "b.mp4")

    def loudness(seconds):
        place = round(seconds * 48_000)
        return float(np.abs(samples[place : place + 96]).max())

    joins = [loudness(0.0), loudness(1.599), loudness(1.6), loudness(1.999)]
    assert max(joins) < 0.15
    # Of two touching cuts, 10 ms from the join, and at both sides of a join behind the fade.
    assert min(loudness(place) for place in (0.012, 0.997, 1.0, 1.003, 1.585, 1.612)) > 0.25


def test_a_video_without_sound_among_others_gives_silence(tmp_path):
    loud = write_chirped(tmp_path / "loud.mp4", num_frames=50)
    mute = make_video(tmp_path / "mute.mp4", num_frames=50)
    rows = [IntervalRow(video=name, interval=Interval("A", 0.4, 1.4)) for name in ("mute.mp4", "loud.mp4")]
    (tmp_path / "i.csv").write_text(intervals_csv_text(rows))

    (made,) = bvas.cut([mute, loud], intervals=tmp_path / "i.csv", out=tmp_path / "b.mp4")
    (silent,) = bvas.cut(mute, intervals=[Interval("A", 0.4, 1.4)], out=tmp_path / "c.mp4")

    samples = sound_of(tmp_path / "b.mp4")
    assert (made.has_sound, silent.has_sound) == (True, False)
    assert np.abs(samples[2000:46_000]).max() < 0.01
    assert sound_offset_seconds(samples, 1.05, 0.45) == pytest.approx(0, abs=0.002)


def test_sound_that_begins_late_or_ends_early_stays_in_its_place(tmp_path):
    # The container's clock begins late in a transport stream, and the sound ends with its video.
    video = write_chirped(tmp_path / "a.ts", num_frames=100, options={"g": "50"})

    bvas.cut(video, intervals=[Interval("A", 3.0, 4.0), Interval("A", 0.0, 1.0)], out=tmp_path / "b.mp4")

    samples = sound_of(tmp_path / "b.mp4")
    assert sound_offset_seconds(samples, 0.05, 0.05) == pytest.approx(0, abs=0.002)
    assert sound_offset_seconds(samples, 1.05, 3.05) == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("sound_rate", [11_025, 44_100, 96_000])
def test_sound_of_another_rate_stays_with_its_picture_until_the_end_of_each_cut(tmp_path, sound_rate):
    video = write_chirped(tmp_path / "a.mp4", num_frames=200, sound_rate=sound_rate)
    starts = (0.04, 3.2, 6.96)

    bvas.cut(video, intervals=[Interval("A", at, at + 1) for at in starts], out=tmp_path / "b.mp4")

    samples = sound_of(tmp_path / "b.mp4")
    for place, at in enumerate(starts):
        for inside in (0.02, 0.8):
            offset = sound_offset_seconds(samples, place + inside, at + inside)
            assert offset == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("speed", [0, 17, -1, float("nan"), float("inf")])
def test_a_speed_out_of_range_is_refused(tmp_path, speed):
    source = make_video(tmp_path / "a.mp4", num_frames=5)
    with pytest.raises(ConfigError, match="speed must lie in 1/16 to 16"):
        bvas.cut(source, intervals=[Interval("A", 0, 0.1)], out=tmp_path / "b.mp4", speed=speed)


def test_the_sound_of_the_samples_tells_the_time():
    samples = chirp(np.arange(48_000) / 48_000 + 3.0).astype(np.float32)
    assert sound_offset_seconds(samples, 0.5, 3.5) == pytest.approx(0, abs=1e-4)
    assert sound_offset_seconds(samples, 0.5, 3.48) == pytest.approx(-0.02, abs=1e-4)
