"""Recordings of an empty pitch: stretches, variants, files."""

import hashlib
import json

import av
import numpy as np
import pytest
from video_samples import read_luma

from bvas import ConfigError, DataError
from bvas.cli import main
from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.synthetic.bodies import HIP, body_points
from bvas.synthetic.presence import VARIANTS, PresenceConfig, film
from bvas.synthetic.presence_files import make_recordings
from bvas.synthetic.tone import SAMPLE_RATE
from bvas.video.decode.open_video import open_video
from bvas.video.index.video_index import build_index

FULL = PresenceConfig(seed=5)
SMALL = PresenceConfig(
    recordings=5, minutes=0.12, stretches=1, stretch_seconds=3.0, size=(64, 112), seed=2, sound=True
)


def body_pixels(recording, frames: range) -> list[int]:
    """Pixels of each frame that differ from the empty pitch by more than noise and the shadow."""
    renderer = recording.renderer()
    pictures = {frame: next(renderer.frames(frame, frame + 1)).astype(int) for frame in frames}
    # Far from the stretch, the player is out of the picture, and so is the shadow.
    empty = next(renderer.frames(recording.stretches[0][1] + 60)).astype(int)
    return [int((abs(pictures[frame] - empty) > 45).sum()) for frame in frames]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("presence")
    calls = []
    make_recordings(root, SMALL, progress=lambda *counts: calls.append(counts), jobs=1)
    return root, calls


def video(made, number: int):
    return made[0] / "recordings" / f"{number:02d}_{VARIANTS[number]}.mp4"


def test_a_recording_has_four_stretches_of_five_seconds_in_two_minutes():
    for number in range(10):
        recording = film(FULL, number)
        seconds = recording.ticks * float(recording.time_base)
        assert 119.9 < seconds[-1] <= 120.0
        lengths = [seconds[stop] - seconds[start] for start, stop in recording.stretches]
        assert lengths == pytest.approx([5.0] * 4, abs=0.051), recording.variant
        assert recording.stretches == film(FULL, number).stretches
        assert recording.stretches != film(PresenceConfig(seed=6), number).stretches


def test_nobody_but_the_player_has_the_hip_in_the_picture():
    for number in range(10):
        recording = film(FULL, number)
        staging = recording.staging
        frames = slice(0, staging.play.num_frames)
        hips = body_points(staging.play, staging.poses, frames)[:, :, HIP]
        xy, scales = staging.path.project(hips, frames)
        is_in = (scales > 0) & (xy >= 0).all(axis=-1) & (xy < (320, 180)).all(axis=-1)
        present = np.zeros(staging.play.num_frames, int)
        for start, stop in recording.stretches:
            present[start:stop] = 1
        assert (is_in.sum(axis=1) == present).all()


def test_about_half_of_the_body_is_visible_at_the_boundaries():
    recording = film(FULL, 0)
    start, stop = recording.stretches[0]
    whole = np.mean(body_pixels(recording, range(start + 20, stop - 20, 10)))
    for boundary in (start, stop):
        before, after = body_pixels(recording, range(boundary - 1, boundary + 1))
        assert 0.15 * whole < min(before, after) < max(before, after) < 0.85 * whole
        far = body_pixels(recording, range(boundary - 12, boundary + 13, 24))
        assert min(far) == 0
        assert max(far) > 0.7 * whole


def test_somebody_at_the_edge_is_partly_seen_outside_the_stretches():
    recording, plain = film(FULL, 4), film(FULL, 0)
    assert recording.variant == "edge"
    assert len(seen_at_rest(recording)) > 5
    assert seen_at_rest(plain) == []


def seen_at_rest(recording) -> list[int]:
    """Frames of every second, at least 2 s away from the stretches, in which somebody is seen at an edge."""
    rest = [
        frame
        for frame in range(0, recording.staging.play.num_frames, 25)
        if all(frame < start - 50 or frame > stop + 50 for start, stop in recording.stretches)
    ]
    renderer = recording.renderer()
    pictures = np.stack([next(renderer.frames(frame, frame + 1)) for frame in rest]).astype(int)
    changed = abs(pictures - np.median(pictures, axis=0)) > 45
    assert not changed[..., 40:-40].any()
    return [frame for frame, pixels in zip(rest, changed, strict=True) if pixels.sum() > 10]


def test_lamps_flicker_in_one_variant_only():
    def swing(number: int) -> float:
        recording = film(FULL, number)
        start = recording.stretches[0][1] + 60
        return float(np.ptp([picture.mean() for picture in recording.renderer().frames(start, start + 25)]))

    assert swing(VARIANTS.index("flicker")) > 10
    assert swing(VARIANTS.index("plain")) < 1


@pytest.mark.parametrize("number", range(5), ids=VARIANTS)
def test_a_file_shows_what_is_rendered_at_its_times(made, number):
    recording = film(SMALL, number)
    index, _ = build_index(video(made, number))
    wanted = recording.ticks * float(recording.time_base)
    found = [index.seconds_of(frame) for frame in range(index.num_frames)]
    assert [*found, index.duration_seconds] == pytest.approx(wanted, abs=1e-4)
    with open_video(video(made, number), "pyav") as reader:
        assert reader.size == (64, 112)
        decoded = read_luma(reader, range(0, 150, 10)).astype(int)
    rendered = np.stack(list(recording.renderer().frames(0, 150)))[::10]
    assert abs(decoded - rendered).mean(axis=(1, 2)).max() < 4.5


def test_variants_are_turned_by_a_tag_or_of_varying_rate(made):
    def stored(number: int) -> tuple[int, int, int]:
        with av.open(str(video(made, number))) as container:
            frame = next(container.decode(video=0))
        return frame.height, frame.width, frame.rotation % 360

    rotation = film(SMALL, 1).rotation
    assert stored(0) == (64, 112, 0)
    assert stored(1) == (*((112, 64) if rotation in (90, 270) else (64, 112)), rotation)
    # All three turns occur.
    assert {film(PresenceConfig(seed=seed), 1).rotation for seed in range(9)} == {90, 180, 270}
    durations = np.diff(film(SMALL, 2).ticks)
    assert (durations.min(), durations.max()) == (33, 50)
    assert set(np.diff(film(SMALL, 0).ticks)) == {1}


def test_dataset_json_has_the_stretches_as_ranges_in_groups_and_splits(made):
    task = dataset_task(("IN_FRAME",))
    matches = sorted(find_matches(task, made[0]), key=lambda match: match.name)
    assert [match.split for match in matches] == ["train"] * 3 + ["valid", "test"]
    assert [match.group for match in matches] == [f"0{n}_{variant}" for n, variant in enumerate(VARIANTS)]
    for number, match in enumerate(matches):
        recording = film(SMALL, number)
        ((_, ranges),) = labelled_ranges(match, task)
        (start, stop), seconds = recording.stretches[0], recording.ticks * float(recording.time_base)
        (found,) = ranges
        assert found.label == "IN_FRAME"
        assert (found.start_seconds, found.end_seconds) == pytest.approx(
            (seconds[start], seconds[stop]), abs=1e-4
        )


def test_splits_of_forty_recordings_hold_every_variant():
    by_split = {
        split: {FULL.variant(n) for n in range(40) if FULL.split(n) == split}
        for split in ("train", "valid", "test")
    }
    assert all(variants == set(VARIANTS) for variants in by_split.values())


def test_the_sound_tells_the_second_whatever_the_rate(made):
    for number in (0, VARIANTS.index("variable")):
        with av.open(str(video(made, number))) as container:
            sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        assert len(sound) / SAMPLE_RATE == pytest.approx(7.2, abs=0.06)
        for second in range(7):
            piece = sound[int((second + 0.3) * SAMPLE_RATE) :][: SAMPLE_RATE // 2]
            # Steps of 2 Hz.
            assert 2 * int(np.argmax(abs(np.fft.rfft(piece))[:750])) == pytest.approx(
                500 + 25 * second, abs=3
            )


def test_a_second_call_makes_what_is_missing_with_the_same_bytes(made, tmp_path):
    root, calls = made
    assert calls == [(done, 5) for done in range(1, 6)]
    digests = [hashlib.sha256(video(made, number).read_bytes()).digest() for number in range(5)]
    times = [video(made, number).stat().st_mtime_ns for number in range(5)]
    for number in (1, 4):
        video(made, number).unlink()
    (root / "dataset.json").unlink()

    make_recordings(root, SMALL, jobs=2)

    assert [hashlib.sha256(video(made, number).read_bytes()).digest() for number in range(5)] == digests
    again = [video(made, number).stat().st_mtime_ns for number in range(5)]
    assert [old == new for old, new in zip(times, again, strict=True)] == [True, False, True, True, False]
    assert sorted(path.name for path in root.iterdir()) == [
        "dataset.json",
        "recordings",
        "synthetic_presence.json",
    ]


def test_other_data_is_not_touched(made, tmp_path):
    with pytest.raises(DataError, match=r"another config \(other: seed\)"):
        make_recordings(made[0], PresenceConfig(**{**config_fields(SMALL), "seed": 3}), jobs=1)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(DataError, match="data of another origin; choose another folder"):
        make_recordings(tmp_path, SMALL, jobs=1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["dataset.json"]


def config_fields(config: PresenceConfig) -> dict:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recordings": 2}, "recordings must be at least 3.*got 2"),
        ({"minutes": 0.1}, r"0.1 minutes must hold.*each with 1.6 s.*got 4 of 5 s, which take 0.55 minutes"),
        ({"stretch_seconds": 1.0}, "at least 2 s"),
        ({"stretches": 0}, "at least one stretch"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        PresenceConfig(**changes)


def test_the_command_makes_recordings(tmp_path, capsys):
    command = ["data", "synth", "--task", "presence", "--out", str(tmp_path / "data"), "--quiet"]
    small = ["--matches", "3", "--minutes", "0.6", "--size", "64x96", "--fps", "10", "--jobs", "1", "--gray"]

    assert main([*command, *small]) == 0
    content = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert [match["videos"] for match in content["matches"]] == [
        [f"recordings/0{number}_{variant}.mp4"] for number, variant in enumerate(VARIANTS[:3])
    ]
    assert [len(match["annotations"]) for match in content["matches"]] == [4, 4, 4]
    for extra in (["--preset", "broadcast"], ["--challenge-matches", "1"]):
        assert main([*command, *small, *extra]) == 2
        assert "--task presence has neither" in capsys.readouterr().err
