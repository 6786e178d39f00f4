"""Actions of players: crops follow the boxes, windows lie on the grid, damage and batches change nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from number_reader import Brightness, NumberReader, class_experiment, classifier_of, number_reader
from track_samples import track_of
from video_samples import HEIGHT, WIDTH, damage, make_video

from bvas import ConfigError, DecodeError
from bvas.errors import ScoresError
from bvas.experiment.input_config import InputConfig
from bvas.loading.clip_requests import FixedClips
from bvas.loading.labelled_video import label_video
from bvas.loading.loader import ClipLoader
from bvas.players.classify_players import classify_players, plan_players
from bvas.players.player_crops import CropReader
from bvas.values.clip_config import ClipConfig
from bvas.values.color import to_unit_frames
from bvas.values.input_format import box_cuts
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.frame_grid import make_grid
from bvas.video.index.video_index import build_index

SINGLE = ClipConfig(num_frames=1, frame_step=1, stack_size=1)
WHOLE = [0, 0, WIDTH, HEIGHT]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Sixty frames, 2.4 s, each of which shows its number."""
    return make_video(tmp_path_factory.mktemp("video") / "numbers.mp4")


def actions_of(video, tracks, classifier, every=0.8, **options):
    index, _ = build_index(video)
    windows = plan_players(index, tracks, classifier, every)
    return classify_players(index, tracks, windows, classifier, **options)


def shown(found):
    return [[(round(one.seconds, 3), one.label) for one in of_player] for of_player in found.actions]


def test_each_player_is_classified_at_the_same_times_while_he_is_visible(video):
    tracks = [track_of(1, range(60), WHOLE), track_of(2, range(20, 45), WHOLE)]
    found = actions_of(video, tracks, number_reader(clip=SINGLE))
    # 0.4, 1.2 and 2.0 s at 25 frames a second.
    assert shown(found) == [[(0.4, "frame 10"), (1.2, "frame 30"), (2.0, "frame 50")], [(1.2, "frame 30")]]
    assert found.num_lost == 0


def test_a_window_on_the_grid_of_the_experiment_is_the_same_at_any_rate_of_the_video(tmp_path):
    slow = make_video(tmp_path / "25.mp4", num_frames=50)
    # Frame 2 * n is on screen when frame n is at 25 frames a second.
    fast = make_video(tmp_path / "50.mp4", num_frames=100, rate=50)
    clip = ClipConfig(num_frames=4, frame_step=1, stack_size=4)
    reader = number_reader(clip=clip, rate=12.5)
    # Grid frames 3 to 6 around 5 are source frames 6, 8, 10, 12: their mean is 9.
    assert shown(actions_of(slow, [track_of(1, range(50), WHOLE)], reader))[0][0] == (0.4, "frame 9")
    assert shown(actions_of(fast, [track_of(1, range(100), WHOLE, 50)], reader))[0][0] == (0.4, "frame 18")


def moving_square(path, num_frames=40):
    """A bright square of 24 pixels that moves right by 2 pixels a frame, over a dark ground."""
    with VideoWriter(path, size=(48, 160), rate=25, crf=1) as writer:
        for number in range(num_frames):
            luma = np.full((48, 160), 40, np.uint8)
            luma[12:36, 10 + 2 * number : 34 + 2 * number] = 220
            writer.write(luma)
    return path


def test_the_crop_follows_the_box_in_every_frame(tmp_path):
    video = moving_square(tmp_path / "square.mp4")
    follows = [[10 + 2 * number, 12, 24, 24] for number in range(40)]
    stays = [10, 12, 24, 24]
    clip = ClipConfig(num_frames=8, frame_step=2, stack_size=4)
    classifier = classifier_of(Brightness(), class_experiment(("dark", "bright"), clip=clip, size=(24, 24)))
    tracks = [track_of(1, range(40), follows), track_of(2, range(40), stays)]
    found = actions_of(video, tracks, classifier, every=0.4)
    assert {one.label for one in found.actions[0]} == {"bright"}
    # The square leaves the box that stays; only in the first window it is mostly there.
    assert [one.label for one in found.actions[1]][1:] == ["dark"] * 3
    # (220 - 16) / 219 is 0.93, so that the probability is 1 / (1 + exp(-20 * 0.86)).
    assert min(one.confidence for one in found.actions[0]) > 0.9999


@pytest.mark.parametrize(
    ("channels", "resample"), [("luma", "area"), ("rgb", "area"), ("luma", "bilinear"), ("rgb", "bilinear")]
)
def test_crops_are_those_of_the_clip_loader(video, channels, resample):
    clip = ClipConfig(num_frames=4, frame_step=2, stack_size=4)
    form_of = {"channels": channels, "fit": "crop", "resample": resample}
    experiment = replace(
        class_experiment(("a", "b"), clip=clip), input=InputConfig(size=(32, 16), rate=25.0, **form_of)
    )
    form = experiment.input.form
    boxes = np.array([[5 + 0.5 * number, 3, 12, 30] for number in range(60)])
    track = track_of(1, range(60), boxes)
    wanted = [16, 18, 20, 22]

    class Boxed(FixedClips):
        def request(self, sample, *, epoch, seed, attempt=0):
            request = super().request(sample, epoch=epoch, seed=seed, attempt=attempt)
            return None if request is None else replace(request, cuts=box_cuts(boxes[wanted]))

    labelled = label_video(video, (), experiment.task.labels, 25.0, form=form)
    with ClipLoader(Boxed([labelled], clip, [[20]]), 1, size=form, workers=0) as loader:
        (batch,) = loader.epoch(0)
        expected = to_unit_frames(batch.frames, batch.forms, experiment.input.luma_scaling)
    index, _ = build_index(video)
    with open_video(video, **form.reading) as reader:
        crops = CropReader(reader, experiment.input, make_grid(index, 25.0), torch.device("cpu"))
        read = list(crops.crops({frame: [0] for frame in wanted}, [track]))
        assert torch.equal(crops.unit([[one.crops[0] for one in read]]), expected)
        # Without PyTorch: the same in arrays, but for rounding.
        plain = CropReader(reader, experiment.input, make_grid(index, 25.0))
        read = list(plain.crops({frame: [0] for frame in wanted}, [track]))
        np.testing.assert_allclose(plain.unit([[one.crops[0] for one in read]]), expected, atol=1e-5, rtol=0)


def test_results_do_not_depend_on_the_batch(video):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(5)
    )
    clip = ClipConfig(num_frames=4, frame_step=2, stack_size=4)
    classifier = classifier_of(model, class_experiment(tuple("abcde"), clip=clip, size=(24, 16)))
    tracks = [track_of(place + 1, range(60), [8 * place, 4, 12, 30 - 2 * place]) for place in range(5)]
    all_found = [actions_of(video, tracks, classifier, 0.2, batch_size=size) for size in (1, 4, 64)]
    assert shown(all_found[0]) == shown(all_found[1]) == shown(all_found[2])
    confidences = np.array([[one.confidence for of in found.actions for one in of] for found in all_found])
    assert confidences.shape == (3, 60)
    np.testing.assert_allclose(confidences[1:], np.broadcast_to(confidences[:1], (2, 60)), atol=1e-6)


def test_a_frame_that_cannot_be_decoded_costs_the_windows_that_show_it(tmp_path):
    video = make_video(tmp_path / "long.mp4", num_frames=250)
    damage(video, range(60, 72))
    with open_video(video) as reader:
        lost = [frame for frame in range(250) if _is_lost(reader, frame)]
    classifier, tracks = number_reader(clip=SINGLE), [track_of(1, range(250), WHOLE)]
    found = actions_of(video, tracks, classifier, every=0.2)
    centers = [5 * number + 2 for number in range(50)]
    assert found.num_lost == len(set(centers) & set(lost)) > 0
    assert len(found.actions[0]) == 50 - found.num_lost
    with pytest.raises(DecodeError):
        actions_of(video, tracks, classifier, every=0.2, strict=True)


def _is_lost(reader, frame):
    try:
        reader.read([frame])
    except DecodeError:
        return True
    return False


def test_scores_that_are_nan_are_an_error(video):
    class Broken(NumberReader):
        def forward(self, frames):
            return super().forward(frames) * float("nan")

    with pytest.raises(ScoresError, match="NaN"):
        actions_of(
            video, [track_of(1, range(60), WHOLE)], classifier_of(Broken(), class_experiment(clip=SINGLE))
        )


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf")])
def test_the_distance_of_windows_is_positive(video, every):
    with pytest.raises(ConfigError, match="every must be a positive number"):
        actions_of(video, [track_of(1, range(60), WHOLE)], number_reader(clip=SINGLE), every=every)


def test_no_players_have_no_actions(video):
    assert actions_of(video, [], number_reader(clip=SINGLE)).actions == ()
