"""Classes of videos: which frames a window sees, one answer or rows, damage, batches, memory."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from class_samples import LABELS, bars_experiment, write_bars
from number_reader import (
    Brightness,
    NumberReader,
    class_experiment,
    classifier_of,
    number_reader,
    numbers_of,
    save_folds,
)
from video_samples import damage, make_video

import bvas
from bvas import ConfigError, DataError, DecodeError
from bvas.data.matches import find_matches
from bvas.errors import ScoresError
from bvas.experiment.class_config import ClassConfig
from bvas.inference.class_rows import class_rows, top_classes
from bvas.inference.class_windows import classify_windows, plan_windows
from bvas.inference.classifier import load_classifier
from bvas.loading.clip_requests import FixedClips
from bvas.loading.labelled_video import label_video
from bvas.loading.loader import ClipLoader
from bvas.predicting.samples import predict_samples
from bvas.values.clip_config import ClipConfig
from bvas.values.color import to_unit_frames

SINGLE = ClipConfig(num_frames=1, frame_step=1, stack_size=1)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Sixty frames, 2.4 s, each of which shows its number."""
    return make_video(tmp_path_factory.mktemp("video") / "numbers.mp4")


def test_rows_lie_in_the_middle_of_equal_shares_of_the_video(video):
    rows = bvas.classify_video(video, number_reader(clip=SINGLE), every=0.8)
    # 0.4, 1.2 and 2.0 s at 25 frames a second.
    assert [row.seconds for row in rows] == pytest.approx([0.4, 1.2, 2.0])
    assert numbers_of(rows) == [10, 30, 50]
    assert all(row.confidence > 0.999 for row in rows)


def test_a_rest_of_less_than_half_a_share_belongs_to_the_last_row(video):
    # 2.4 s are 2.4 times 1 s, and 2.67 times 0.9 s.
    assert len(bvas.classify_video(video, number_reader(), every=1.0)) == 2
    assert len(bvas.classify_video(video, number_reader(), every=0.9)) == 3


def test_rows_nearer_than_frames_come_once_each(video):
    rows = bvas.classify_video(video, number_reader(clip=SINGLE), every=0.01)
    assert numbers_of(rows) == list(range(60))


def test_a_window_sees_the_frames_of_the_clip_around_its_center(video):
    clip = ClipConfig(num_frames=5, frame_step=2, stack_size=5)
    rows = bvas.classify_video(video, number_reader(clip=clip), every=0.8)
    # Two frames before and two behind, each second one: their mean is the center.
    assert numbers_of(rows) == [10, 30, 50]
    wide = ClipConfig(num_frames=2, frame_step=40, stack_size=2)
    rows = bvas.classify_video(video, number_reader(clip=wide), every=0.8)
    # 40 frames before the center and the center, the first frame repeated: (0 + 10) / 2, (0 + 30) / 2, (10 + 50) / 2.
    assert numbers_of(rows) == [5, 15, 30]


def test_one_answer_is_the_mean_of_evenly_spaced_clips(video):
    model = NumberReader()
    found = bvas.classify_clip(video, classifier_of(model, class_experiment(clip=SINGLE)), clips=3, top=3)
    assert sum(model.num_clips) == 3
    assert sorted(probability for _, probability in found) == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert len(found) == 3


def test_a_video_shorter_than_a_clip_is_one_clip_around_its_middle(tmp_path):
    video = make_video(tmp_path / "short.mp4", num_frames=3)
    model = NumberReader()
    clip = ClipConfig(num_frames=9, frame_step=1, stack_size=9)
    found = bvas.classify_clip(video, classifier_of(model, class_experiment(clip=clip)))
    # Frames 0 0 0 0 1 2 2 2 2: their mean is 1.
    assert found[0][0] == "frame 1"
    assert model.num_clips == [1]


@pytest.mark.parametrize("clip", [SINGLE, ClipConfig(num_frames=16, frame_step=1, stack_size=16)])
def test_a_single_frame_is_a_video_too(tmp_path, clip):
    video = make_video(tmp_path / "one.mp4", num_frames=1, first_number=7)
    assert bvas.classify_clip(video, number_reader(clip=clip))[0][0] == "frame 7"
    assert numbers_of(bvas.classify_video(video, number_reader(clip=clip), every=0.8)) == [7]


def test_a_variable_rate_is_put_on_the_grid(tmp_path):
    # Ten frames a second up to 2 s, then 50: frame 20 at 2 s, frame 70 at 3 s.
    times = [*range(0, 2000, 100), *range(2000, 4000, 20)]
    video = make_video(
        tmp_path / "vfr.mkv", num_frames=len(times), times=times, time_base=Fraction(1, 1000), rate=50
    )
    rows = bvas.classify_video(video, number_reader(clip=SINGLE), every=2.0)
    assert [row.seconds for row in rows] == pytest.approx([1.0, 3.0])
    assert numbers_of(rows) == [10, 70]


def test_a_turned_video_of_a_phone_is_seen_upright(tmp_path):
    video = make_video(tmp_path / "phone.mp4", rotation=90, store=lambda luma: np.rot90(luma, -1))
    rows = bvas.classify_video(video, number_reader(clip=SINGLE), every=0.8)
    assert numbers_of(rows) == [10, 30, 50]


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_results_do_not_depend_on_the_batch(video, batch_size):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    )
    classifier = classifier_of(model, class_experiment("abc"))
    windows = plan_windows(video, classifier.experiment, every=0.2)
    usual = classify_windows(windows, classifier).curve.scores
    scores = classify_windows(windows, classifier, batch_size=batch_size).curve.scores
    assert scores.shape == (12, 3)
    np.testing.assert_allclose(scores, usual, atol=1e-6, rtol=0)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_workers_give_what_this_process_gives(video):
    classifier = number_reader()
    windows = plan_windows(video, classifier.experiment, every=0.2)
    here = classify_windows(windows, classifier, workers=0).curve.scores
    assert np.array_equal(classify_windows(windows, classifier, workers={"pyav": 1}).curve.scores, here)


def test_labels_come_by_probability_and_all_of_them_where_more_are_asked_for(video):
    classifier = classifier_of(Brightness(), class_experiment(("dark", "bright")))
    found = bvas.classify_clip(video, classifier, top=5)
    assert len(found) == 2
    assert found[0][1] >= found[1][1]
    assert sum(probability for _, probability in found) == pytest.approx(1)
    scores = np.array([0.2, 0.5, 0.2, 0.1], np.float32)
    assert [label for label, _ in top_classes(scores, "abcd", 3)] == ["b", "a", "c"]


def test_stretches_of_one_label_meet_half_way_between_rows_and_cover_the_video(tmp_path):
    def dark_then_bright(luma):
        frames.append(luma)
        return np.full_like(luma, 20 if len(frames) <= 51 else 230)

    # The first call asks for the size.
    frames = []
    video = make_video(tmp_path / "light.mp4", num_frames=100, store=dark_then_bright)
    classifier = classifier_of(Brightness(), class_experiment(("dark", "bright")))
    found = classify_windows(plan_windows(video, classifier.experiment, every=0.4), classifier)
    assert [(one.label, one.start_seconds, one.end_seconds) for one in found.intervals] == [
        ("dark", 0.0, pytest.approx(2.0)),
        ("bright", pytest.approx(2.0), pytest.approx(4.0)),
    ]


def test_flip_tta_averages_the_probabilities_of_a_clip_and_its_mirror_image():
    class LeftHalf(torch.nn.Module):
        """Logits 0 and the brightness of the left half."""

        def forward(self, frames):
            mean = frames[..., :2].mean(dim=(1, 2, 3))
            return torch.stack([torch.zeros_like(mean), mean], dim=1)

    clips = torch.zeros(1, 4, 2, 4)
    clips[..., :2] = 1.0
    sure, unsure = 1 / (1 + np.exp(-1.0)), 0.5
    for flip_tta, wanted in ((False, sure), (True, (sure + unsure) / 2)):
        classifier = classifier_of(LeftHalf(), class_experiment(("DARK", "BRIGHT"), flip_tta=flip_tta))
        assert classifier.probabilities(clips)[0, 1] == pytest.approx(wanted)


def test_a_video_of_at_most_ten_seconds_gets_one_answer_and_a_longer_one_rows(tmp_path):
    experiment = class_experiment(rate=1.0)
    for num_frames, is_one in ((10, True), (11, False)):
        video = make_video(tmp_path / f"{num_frames}.mp4", num_frames=num_frames, rate=1)
        windows = plan_windows(video, experiment)
        assert windows.is_one_answer == is_one
        assert plan_windows(video, experiment, every=5.0).is_one_answer is False
        assert plan_windows(video, experiment, clips=2).is_one_answer is True


def test_the_answer_is_that_of_training_and_validation(video):
    """The loader that validation reads with, at the same center, gives the same probabilities to the bit."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4 * 48 * 80, 5)).eval()
    experiment = class_experiment("abcde")
    labelled = label_video(video, (), experiment.task.labels, 25, form=experiment.input.form)
    clips = FixedClips([labelled], experiment.clip, [[30]])
    with ClipLoader(clips, 1, size=experiment.input.form, workers=0) as loader:
        (batch,) = loader.epoch(0)
    with torch.inference_mode():
        wanted = model(to_unit_frames(batch.frames, batch.forms, "range")).softmax(dim=1)[0]
    found = dict(bvas.classify_clip(video, classifier_of(model, experiment), clips=1))
    assert [found[label] for label in "abcde"] == wanted.tolist()


def test_evaluation_and_a_call_give_a_sample_the_same_probabilities(tmp_path):
    root, runs = write_bars(tmp_path / "data"), tmp_path / "runs"
    clip = ClipConfig(num_frames=4, frame_step=1, stack_size=4)
    experiment = bars_experiment(classes=ClassConfig(test_clips=3), clip=clip)
    save_folds(experiment, runs)
    matches = find_matches(experiment.task, root)
    found = predict_samples(experiment, matches, [0], runs, device=torch.device("cpu"), workers=0).predictions
    assert len(found.names) == 4
    classifier = load_classifier(experiment, runs, folds=[0], device="cpu")
    for name, scores in zip(found.names, found.scores, strict=True):
        answer = dict(bvas.classify_clip(root / f"{name}.mp4", classifier))
        np.testing.assert_allclose([answer[label] for label in LABELS], scores, atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Keyframes only, of which frames 30 to 33 are lost."""
    path = make_video(
        tmp_path_factory.mktemp("damaged") / "damaged.mp4",
        options={"g": "1", "bf": "0", "preset": "ultrafast"},
    )
    damage(path, range(30, 34))
    return path


def test_windows_that_cannot_be_decoded_are_gaps(damaged):
    classifier = number_reader(clip=SINGLE)
    windows = plan_windows(damaged, classifier.experiment, every=0.2)
    found = classify_windows(windows, classifier)
    # Centers 2 (2.5: ties to the earlier), 7, 12, ...: 32 is lost.
    lost = np.flatnonzero(np.isnan(found.curve.scores).any(axis=1))
    assert windows.centers[lost].tolist() == [32]
    assert [gap.num_frames for gap in found.gaps] == [1]
    assert len(class_rows(found.curve, 1)) == 11
    with pytest.raises(DecodeError):
        classify_windows(windows, classifier, strict=True)


def test_a_video_with_more_than_a_fifth_lost_is_refused(damaged):
    classifier = number_reader(clip=SINGLE)
    with pytest.raises(DecodeError, match=r"1 of 3 windows cannot be decoded, more than 20%"):
        classify_windows(plan_windows(damaged, classifier.experiment, every=0.85), classifier)


def test_probabilities_that_are_not_numbers_are_refused(video):
    class Broken(torch.nn.Module):
        def forward(self, frames):
            return torch.full((len(frames), 2), float("nan"))

    with pytest.raises(ScoresError, match="NaN or infinite"):
        bvas.classify_clip(video, classifier_of(Broken(), class_experiment("ab")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0.0}, "every must be a positive number of seconds between windows, got 0"),
        ({"every": -1}, "got -1"),
        ({"every": float("nan")}, "got nan"),
        ({"clips": 0}, "clips must be at least 1, got 0"),
        ({"clips": 2, "every": 1.0}, "take one of the two"),
    ],
)
def test_spacing_that_gives_no_windows_is_refused(video, options, message):
    with pytest.raises(ConfigError, match=message):
        plan_windows(video, class_experiment(), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either a model"),
        ({"model": "r3d_18", "experiment": "mine"}, "give either a model"),
        ({"model": "r4d"}, "no video model named 'r4d'"),
        ({"experiment": "mine", "weights": "a.pth"}, "weights a.pth are of a published model"),
        ({"model": "r3d_18", "top": 0}, "top must be at least 1, got 0"),
    ],
)
def test_what_names_no_network_is_refused(video, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        bvas.classify_clip(video, **options)


def test_files_that_are_missing_or_no_videos_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no file .*missing\.mp4"):
        bvas.classify_clip(tmp_path / "missing.mp4", number_reader())
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(DecodeError, match=r"empty\.mp4"):
        bvas.classify_clip(tmp_path / "empty.mp4", number_reader())


@pytest.mark.slow
def test_a_published_network_sees_what_torchvisions_own_transform_gives(tmp_path):
    from torchvision.models import get_model, get_model_weights

    torch.manual_seed(3)
    network = get_model("r3d_18", num_classes=400).eval()
    torch.save(network.state_dict(), tmp_path / "r3d_18.pth")
    # At its own rate, so that frames are taken one by one; of another shape, which is stretched and cut.
    video = make_video(tmp_path / "clip.mp4", num_frames=16, rate=15, size=(144, 176))
    with bvas.open_video(video, channels="planes") as reader:
        frames = bvas.to_rgb(torch.from_numpy(np.asarray(reader.read(range(16)))), reader.form)
    with torch.inference_mode():
        clip = get_model_weights("r3d_18").DEFAULT.transforms()(frames)
        wanted = network(clip[None]).softmax(dim=1)[0]
    found = bvas.classify_clip(video, "r3d_18", weights=tmp_path / "r3d_18.pth", device="cpu", top=400)
    classes = get_model_weights("r3d_18").DEFAULT.meta["categories"]
    assert [dict(found)[label] for label in classes] == pytest.approx(wanted.tolist(), abs=1e-6)
    assert found[0][0] == classes[int(wanted.argmax())]
