import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from loading_videos import labelled
from tiny import TINY_CONFIG, tiny_experiment

from bvas.augment.config import AugmentConfig
from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.data.matches import find_matches
from bvas.experiment.sampling_config import SamplingConfig
from bvas.report.clip_preview import preview_clips
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.league import make_league
from bvas.tasks.draw_summary import draw_summary
from bvas.tasks.kind_choice import kind_of


def summary_of(videos, **sampling):
    """Return the numbers of clips in the summary by what they count, and those of each video."""
    experiment = replace(tiny_experiment(), sampling=SamplingConfig(clips_per_epoch=400, **sampling))
    clips = kind_of(experiment).training_clips(videos)
    per_video = np.bincount([request.video_id for request in clips.requests(0)]).tolist()
    totals, labels = draw_summary(clips, experiment)
    assert totals.endswith(f", {min(per_video)} to {max(per_video)} clips from each")
    assert totals.startswith("400 clips in an epoch: ")
    counts = {what: int(number) for number, what in re.findall(r"(\d+) \(\d+ %\) ([a-z ]+)", totals)}
    counts |= {label: int(number) for label, number in re.findall(r"([A-Z]+) (\d+) \(", labels)}
    return counts, per_video


def test_the_summary_counts_labels_actions_and_videos():
    # One PASS in the first video, a PASS and a DRIVE in one window in the second.
    videos = [labelled(1000, [(100, 0)]), labelled(1000, [(500, 0), (502, 1)])]

    counts, (first, second) = summary_of(
        videos, action_probability=1.0, action_window_frames=1, shake_probability=0.0
    )

    assert first + second == 400
    assert 150 < first < 250
    assert counts == {
        "centered at an action": 400,
        "without an action in the target window": 0,
        "with shaken frames": 0,
        "PASS": 400,
        "DRIVE": second,
    }


def test_the_summary_counts_what_is_drawn_beside_the_actions():
    counts, _ = summary_of([labelled(1000, [(500, 1)])], action_probability=0.0, shake_probability=1.0)

    assert counts["centered at an action"] == 0
    assert counts["PASS"] == 0
    # Of 991 frames outside the window of 9, 6 lie in the target's window of 15.
    assert counts["without an action in the target window"] == pytest.approx(400 * 985 / 991, abs=8)
    # A clip of 6 frames stays as it is with a probability of 0.6 ** 6, a twentieth.
    assert counts["with shaken frames"] == pytest.approx(400 * (1 - 0.6**6), abs=20)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    config = SyntheticConfig(matches=2, challenge_matches=0, minutes=0.1, size=(64, 96), seed=3)
    make_league(folder, config, jobs=1)
    return folder


@pytest.fixture
def clips_of(data):
    def made(experiment):
        kind = kind_of(experiment)
        return kind.training_clips(kind.samples(find_matches(experiment.task, data), 0)[0])

    return made


def test_a_preview_shows_the_clips_that_training_draws_first(clips_of):
    experiment = tiny_experiment(augment=AugmentConfig.none())
    clips = clips_of(experiment)

    found = preview_clips(clips, experiment, num_clips=3, device=torch.device("cpu"))

    requests = clips.requests(0, seed=experiment.seed)[:3]
    for clip, request in zip(found, requests, strict=True):
        assert f"grid frame {request.center}" in clip.title
        assert [value for _, value in clip.targets] == request.targets.tolist()
        # Of 6 frames, 0 1 3 4 5.
        assert clip.frame_names[0] == f"source frame {request.indices[0]}"
        assert clip.frame_names[2] == f"source frame {request.indices[3]}, center"
        assert np.array_equal(clip.read, clip.augmented)


def test_a_preview_names_what_it_shows_to_be_changed(clips_of):
    augment = replace(AugmentConfig.none(), flip_probability=0.5)
    experiment = tiny_experiment(augment=augment)
    experiment = replace(experiment, sampling=replace(experiment.sampling, shake_probability=0.0))

    found = preview_clips(clips_of(experiment), experiment, num_clips=8, device=torch.device("cpu"))

    flipped = [np.array_equal(clip.augmented, clip.read[..., ::-1]) for clip in found]
    assert [clip.changes for clip in found] == [("flip",) if is_flipped else () for is_flipped in flipped]
    assert len(set(flipped)) == 2


def test_the_words_about_a_shaken_clip_say_by_how_much_each_frame_was_moved(clips_of):
    experiment = tiny_experiment(augment=AugmentConfig.none())
    always = replace(experiment.sampling, shake_probability=1.0, shake_weights=(0.0, 0.0, 1.0))
    experiment = replace(experiment, sampling=always)

    (clip,) = preview_clips(clips_of(experiment), experiment, num_clips=1, device=torch.device("cpu"))

    assert clip.changes == ("frames shaken: +1 +1 +1 +1 +1 +1",)


@pytest.fixture
def there(data, tmp_path, monkeypatch):
    (tmp_path / "tiny.py").write_text(TINY_CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_the_sheet_and_counts(there, data, capsys):
    command = ["experiment", "preview", "./tiny.py", "--data", str(data), "--quiet"]

    assert main([*command, "--clips", "2", "--fold", "1", "--seed", "5"]) == OK
    assert main([*command, "--clips", "3", "--out", "elsewhere"]) == OK

    said = capsys.readouterr().out
    assert "8 clips in an epoch" in said
    assert "PASS" in said
    two = cv2.imread("runs/tiny/preview/fold_1_seed_5.png")
    three = cv2.imread("elsewhere/fold_0_seed_0.png")
    assert three.shape[0] > two.shape[0] > 500
    assert three.shape[1] == two.shape[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--clips", "0"], "--clips must lie in 1..64, got 0"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--fold", "7"], "no fold 7"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_option_is_one_line(there, data, capsys, wrong, said):
    command = ["experiment", "preview", "./tiny.py", "--data", str(data), "--quiet", *wrong]

    assert main(command) == WRONG_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
