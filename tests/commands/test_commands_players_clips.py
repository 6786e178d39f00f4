"""`bvas players clips`: a data set of clips from tracks and actions, or from results."""

import json
from contextlib import suppress

import numpy as np
import pytest
from track_samples import track_of
from video_samples import damage, make_video

from bvas.cli import main
from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.players import clip_dataset
from bvas.players.player_files import record_of, write_players
from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.tracking.mot_files import write_mot
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter

# "jump" is in none of the clips.
LACKING = """
from class_samples import bars_experiment
from bvas.data.spotting_task import dataset_task
from bvas.experiment.input_config import InputConfig
from bvas.values.clip_config import ClipConfig

def experiment():
    return bars_experiment(
        name="lacking",
        task=dataset_task(("jump", "stand", "run")),
        input=InputConfig(size=(32, 24), rate=10.0),
        clip=ClipConfig(num_frames=8, frame_step=1, stack_size=4),
    )
"""
HEAD = "player,from_frame,to_frame,label\n"


def bright_and_dark(path, num_frames=100, rate=25, dark=120):
    """A bright square that moves right by 1 pixel in 1/25 s above a darker one that stands, over a dark ground."""
    with VideoWriter(path, size=(96, 192), rate=rate, crf=1) as writer:
        for number in range(num_frames):
            luma = np.full((96, 192), 40, np.uint8)
            left = 10 + round(number * 25 / rate)
            luma[8:40, left : left + 24] = 220
            luma[56:88, 100:124] = dark
            writer.write(luma)
    return path


def tracks_of(num_frames=100, rate=25):
    moving = [[10 + number * 25 / rate, 8, 24, 32] for number in range(num_frames)]
    return [
        track_of(1, range(num_frames), moving, rate),
        track_of(2, range(num_frames), [100, 56, 24, 32], rate),
    ]


def files(folder, name="game", rate=25, num_frames=100, dark=120):
    """Write a video, its tracks and its actions; the moving player runs, the other stands, then runs."""
    video = bright_and_dark(folder / f"{name}.mp4", num_frames, rate, dark)
    tracks, actions = folder / f"{name}_gt.txt", folder / f"{name}_actions.csv"
    write_mot(tracks, tracks_of(num_frames, rate))
    half = num_frames // 2
    rows = f"1,0,{num_frames},run\n2,0,{half},stand\n2,{half},{num_frames},run\n"
    actions.write_text(HEAD + rows)
    return video, tracks, actions


@pytest.fixture(scope="module")
def game(tmp_path_factory):
    return files(tmp_path_factory.mktemp("game"))


def cut(out, videos, tracks=(), actions=(), *words):
    given = ["--tracks", *tracks, "--actions", *actions] if tracks else []
    return main(["players", "clips", *map(str, [*videos, *given, "--out", out, *words])])


def dataset(out):
    return json.loads((out / "dataset.json").read_text())


def clip_of(out, sample):
    with open_video(out / sample["video"]) as reader:
        return reader.read(range(reader.info.num_frames)).numpy(), float(reader.info.rate)


def small(*more):
    return ["--size", "32x24", "--frames", "8", *more]


def test_clips_follow_the_boxes_and_have_the_form_asked_for(game, tmp_path):
    video, tracks, actions = game
    assert cut(tmp_path / "out", [video], [tracks], [actions], *small("--per-class", "3")) == 0

    content = dataset(tmp_path / "out")
    assert content["format"] == "bvas-dataset-2"
    assert content["labels"] == ["run", "stand"]
    assert {sample["group"] for sample in content["samples"]} == {"game"}
    labels = [sample["label"] for sample in content["samples"]]
    assert (labels.count("run"), labels.count("stand")) == (3, 3)
    for sample in content["samples"]:
        frames, rate = clip_of(tmp_path / "out", sample)
        assert frames.shape == (8, 32, 24)
        assert rate == 10
        # The square fills the crop in every frame: its middle has the luma of player 1, or of player 2.
        bright = "_p1_" in sample["video"]
        assert np.abs(frames[:, 8:24, 6:18].astype(int) - (220 if bright else 120)).max() < 12
        assert frames[:, 2:30, 2:22].min() > (150 if bright else 90)


def test_a_box_is_widened_to_the_aspect_and_not_stretched(game, tmp_path):
    video, tracks, actions = game
    words = ["--size", "32x48", "--frames", "8", "--per-class", "1", "--labels", "stand"]
    assert cut(tmp_path / "out", [video], [tracks], [actions], *words) == 0

    (sample,) = dataset(tmp_path / "out")["samples"]
    frames, _ = clip_of(tmp_path / "out", sample)
    row = frames[4, 16].astype(int)
    # 24 of 48 columns show the square, in the middle; the ground is beside it.
    assert (np.abs(row[14:34] - 120) < 12).all()
    assert (np.abs(row[:10] - 40) < 12).all()
    assert (np.abs(row[38:] - 40) < 12).all()


def test_the_rate_of_the_video_does_not_matter(game, tmp_path):
    fast = files(tmp_path, "fast", rate=50, num_frames=200)
    for out, (video, tracks, actions) in ((tmp_path / "a", game), (tmp_path / "b", fast)):
        assert cut(out, [video], [tracks], [actions], *small("--per-class", "4")) == 0

    slow, other = (dataset(tmp_path / name)["samples"] for name in "ab")
    places = [[sample["name"].split("_", 1)[1] for sample in samples] for samples in (slow, other)]
    assert places[0] == places[1]
    for first, second in zip(slow, other, strict=True):
        difference = clip_of(tmp_path / "a", first)[0].astype(int) - clip_of(tmp_path / "b", second)[0]
        assert np.abs(difference[:, 4:28, 4:20]).max() < 16


def test_videos_are_groups_and_splits_are_drawn_by_them(tmp_path, capsys):
    # Of other pictures: equal clips in two splits would be a fault.
    made = [files(tmp_path, f"game {dark}", dark=dark) for dark in (80, 120, 160)]
    out = tmp_path / "out"
    assert cut(out, *zip(*made, strict=True), *small("--per-class", "2", "--labels", "stand")) == 0

    printed = capsys.readouterr().out
    assert "      6 stand\n" in printed
    assert "6 clips in" in printed
    matches = find_matches(dataset_task(("stand",)), out)
    assert {match.group for match in matches} == {"game 80", "game 120", "game 160"}
    assert {match.split for match in matches} == {"train", "valid", "test"}
    assert main(["data", "check", str(out)]) == 0


def test_an_experiment_trains_on_clips_that_lack_one_of_its_classes(tmp_path, monkeypatch):
    made = [files(tmp_path, f"game {dark}", dark=dark) for dark in (80, 120, 160)]
    assert cut(tmp_path / "data", *zip(*made, strict=True), *small("--per-class", "4")) == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lacking.py").write_text(LACKING)

    # The running players of all games are alike.
    words = ["train", "--experiment", "lacking.py", "--workers", "0", "--device", "cpu", "--allow-siblings"]
    assert main(words) == 0
    assert [*(tmp_path / "runs" / "lacking" / "fold_0").glob("*.safetensors")]


def test_halves_of_a_match_are_one_group(tmp_path):
    folder = tmp_path / "2020-01-01 - A - B"
    folder.mkdir()
    made = [files(folder, name) for name in ("1_96p", "2_96p")]
    assert cut(tmp_path / "out", *zip(*made, strict=True), *small("--per-class", "1")) == 0

    content = dataset(tmp_path / "out")
    assert {sample["group"] for sample in content["samples"]} == {"2020-01-01 - A - B"}
    assert "splits" not in content
    assert len({sample["video"] for sample in content["samples"]}) == 4


def test_results_and_their_corrections_become_clips(game, tmp_path, monkeypatch):
    video = game[0]
    monkeypatch.chdir(tmp_path)
    actions = [
        PlayerAction(seconds=0.4 + 0.8 * number, label="run" if number < 3 else "walk", confidence=None)
        for number in range(5)
    ]
    players = tuple(Player(track=track, actions=tuple(actions)) for track in tracks_of())
    result = PlayersResult(
        path=video, size=(96, 192), num_frames=100, players=players, labels=("run", "walk"), every=0.8
    )
    write_players(tmp_path / "players" / "game", result, record_of(video))
    assert cut(tmp_path / "out", [video], (), (), *small()) == 0

    samples = dataset(tmp_path / "out")["samples"]
    # Windows of 8 frames at 10 a second, every 0.8 s: around grid frames 4, 12, 20, 28 and 36.
    assert sorted((sample["name"].rsplit("_", 2)[1:], sample["label"]) for sample in samples) == sorted(
        ([f"p{player}", str(center)], label)
        for player in (1, 2)
        for center, label in ((4, "run"), (12, "run"), (20, "run"), (28, "walk"), (36, "walk"))
    )
    assert cut(tmp_path / "other", [make_video(tmp_path / "b.mp4")], (), (), "--results", "players/game") == 2


def test_a_clip_that_cannot_be_decoded_is_left_out(tmp_path, capsys):
    video = make_video(tmp_path / "game.mp4", num_frames=250)
    damage(video, range(60, 72))
    with open_video(video) as reader:
        height, width = reader.size
    write_mot(tmp_path / "gt.txt", [track_of(1, range(250), [0, 0, width, height])])
    (tmp_path / "actions.csv").write_text(f"{HEAD}1,0,250,run\n")
    words = [*small("--frames", "2"), "--rate", "12.5", "--per-class", "1000"]
    assert cut(tmp_path / "out", [video], [tmp_path / "gt.txt"], [tmp_path / "actions.csv"], *words) == 0

    num = len(dataset(tmp_path / "out")["samples"])
    assert 60 < num < 125
    assert f"{125 - num} clips cannot be decoded and are left out" in capsys.readouterr().err


def test_an_interrupted_run_leaves_nothing_and_can_be_repeated(game, tmp_path, monkeypatch):
    video, tracks, actions = game
    out = tmp_path / "new" / "out"
    written = []

    def write_two(path, clip, config):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, clip, config)

    write = clip_dataset._write
    with monkeypatch.context() as patch:
        patch.setattr(clip_dataset, "_write", write_two)
        with suppress(KeyboardInterrupt):
            cut(out, [video], [tracks], [actions], *small())
    assert len(written) == 2
    assert not out.parent.exists()
    assert cut(out, [video], [tracks], [actions], *small("--per-class", "3")) == 0


def test_clips_of_which_none_can_be_decoded_are_an_error(tmp_path, capsys):
    video = make_video(tmp_path / "game.mp4", num_frames=100)
    damage(video, range(48, 72))
    write_mot(tmp_path / "gt.txt", [track_of(1, range(55, 63), [0, 0, 24, 32])])
    (tmp_path / "actions.csv").write_text(f"{HEAD}1,55,63,run\n")
    words = [*small("--frames", "2"), "--rate", "25"]
    assert cut(tmp_path / "out", [video], [tmp_path / "gt.txt"], [tmp_path / "actions.csv"], *words) == 2
    assert "none can be decoded; repair or re-encode" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_does_not_fit_is_refused_with_a_remedy(game, tmp_path, capsys):
    video, tracks, actions = game
    out = tmp_path / "out"

    def refused(message, *words):
        assert main(["players", "clips", *map(str, words), "--out", str(out)]) == 2
        assert message in capsys.readouterr().err
        assert not out.exists()

    refused("give --tracks and --actions together", video, "--tracks", tracks)
    refused(
        "--tracks names 2, and VIDEO 1; give one for each video",
        video,
        "--tracks",
        tracks,
        tracks,
        "--actions",
        actions,
    )
    refused("no file", tmp_path / "none.mp4", "--tracks", tracks, "--actions", actions)
    twice = ["--tracks", tracks, tracks, "--actions", actions, actions]
    refused("is given twice", video, video, *twice)
    refused("no window of swim in 1 video", video, *twice[:2], *twice[3:5], "--labels", "swim")
    refused("holds no players; find them first: bvas players", video)
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert cut(out, [video], [tracks], [actions]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
