import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bvas.cli import main
from bvas.detection.detector_choice import load_detector
from bvas.detection.labelled_frames import (
    LabelledFrame,
    inner_boxes,
    mean_size_of,
    read_labelled_frames,
    split_frames,
    truth_beside,
)
from bvas.detection.tiny_detector import (
    TinyConfig,
    TinyDetector,
    TinyNetwork,
    input_size,
    read_map,
    save_tiny_detector,
)
from bvas.detection.tiny_training import (
    TinyTrainingConfig,
    changed_frame,
    detection_loss,
    f1_score,
    frame_targets,
    train_tiny_detector,
)
from bvas.errors import CheckpointError, ConfigError, DataError, TrainingError
from bvas.video.encode.video_writer import VideoWriter
from tests.detection.drawn_players import frame_of

SIZE = (64, 96)
SHIRTS = [(200, 40, 40), (40, 60, 210), (230, 220, 60)]
CONFIG = TinyConfig(height=64, channels=16)
QUICK = TinyTrainingConfig(steps=110, batch_size=4, learning_rate=8e-3)


def scene(seed):
    """A picture of up to three players and their boxes."""
    rng = np.random.default_rng(seed)
    columns = np.array([4, 34, 64]) + rng.integers(0, 14, 3)
    boxes = [(float(x), float(rng.integers(2, 36)), 10.0, 24.0) for x in columns[: rng.integers(1, 4)]]
    return frame_of(boxes, SHIRTS[: len(boxes)], seed=seed % 7, size=SIZE), np.array(boxes)


def scenes(seeds):
    return [LabelledFrame(*scene(seed)) for seed in seeds]


@pytest.fixture(scope="module")
def trained():
    return train_tiny_detector([scenes(range(40))], CONFIG, QUICK, device="cpu")


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "court.safetensors"
    save_tiny_detector(path, trained.network, trained.config)
    return path


def test_a_detector_trained_in_seconds_finds_players_in_other_pictures(file):
    detector = load_detector(file, device="cpu")
    assert detector.name == "court"
    others = scenes(range(100, 120))
    found = [detector.detect(frame.picture[None])[0] for frame in others]
    assert f1_score([boxes for boxes, _ in found], [frame.boxes for frame in others]) >= 0.9
    assert all((np.diff(scores) <= 0).all() for _, scores in found)


def test_boxes_of_a_larger_picture_are_in_its_own_pixels(file):
    detector = load_detector(file, device="cpu")
    picture, _ = scene(101)
    small = detector.detect(picture[None])[0][0]
    large = detector.detect(picture.repeat(2, axis=0).repeat(2, axis=1)[None])[0][0]
    assert len(small) > 0
    assert np.abs(large - 2 * small).max() < 1e-6


def test_boxes_do_not_depend_on_the_batch(file):
    detector = load_detector(file, device="cpu")
    pictures = np.stack([frame.picture for frame in scenes(range(100, 106))])
    for picture, (boxes, _) in zip(pictures, detector.detect(pictures), strict=True):
        alone = detector.detect(picture[None])[0][0]
        assert len(alone) == len(boxes) > 0
        assert np.abs(alone - boxes).max() < 1e-3


def test_a_seed_gives_the_same_network_and_another_another():
    frames = [scenes(range(4))]
    config = TinyTrainingConfig(steps=2, batch_size=2)
    before = torch.random.get_rng_state()
    first, second = (train_tiny_detector(frames, CONFIG, config, device="cpu").network for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    other = train_tiny_detector(
        frames, CONFIG, TinyTrainingConfig(steps=2, batch_size=2, seed=1), device="cpu"
    ).network
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)


def test_a_threshold_overrides_that_of_the_file(file):
    picture = scene(101)[0][None]
    low, high = (
        load_detector(file, device="cpu", threshold=limit).detect(picture)[0] for limit in (0.0, 0.99)
    )
    assert len(low[0]) > len(load_detector(file, device="cpu").detect(picture)[0][0]) > len(high[0])


def test_targets_are_read_back_as_the_boxes():
    boxes = np.array([[20.0, 10.0, 12.0, 30.0], [60.0, 30.0, 8.0, 20.0]])
    config = TinyConfig(height=64, mean_size=(28.0, 10.0))
    targets = frame_targets(boxes, SIZE, config)
    assert targets.shape == (6, 16, 24)
    # Centers (26, 25) and (64, 40): cells (6, 6) and (10, 16).
    assert np.argwhere(targets[0] == 1).tolist() == [[6, 6], [10, 16]]
    assert targets[1:5, 6, 6] == pytest.approx([np.log(30 / 28), np.log(12 / 10), 0.25, 0.5], abs=1e-6)
    # The cell beside the center says the same box.
    assert targets[3:5, 7, 6] == pytest.approx([-0.75, 0.5], abs=1e-6)
    with np.errstate(divide="ignore"):
        logits = np.log(targets[:1]) - np.log1p(-np.minimum(targets[:1], 1 - 1e-6))
    found, scores = read_map(np.concatenate([logits, targets[1:5]]).astype(np.float64), config)
    sure = scores > 0.99
    assert found[sure] == pytest.approx(boxes, abs=1e-4)


def test_the_loss_is_that_of_the_paper_by_hand():
    logits = torch.zeros(1, 5, 1, 2)
    targets = torch.zeros(1, 6, 1, 2)
    targets[0, 0, 0] = torch.tensor([1.0, 0.5])
    targets[0, 1, 0, 0], targets[0, 5, 0, 0] = 0.25, 1.0
    # Scores are 0.5: (1 - 0.5)^2 log 2 for the center, (1 - 0.5)^4 0.5^2 log 2 beside it; 0.25 for the height.
    expected = np.log(2) * (0.25 + 0.0625 * 0.25) + 0.25
    assert detection_loss(logits, targets).item() == pytest.approx(expected, abs=1e-6)


def test_a_changed_picture_and_its_boxes_move_alike():
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[20:40, 30:40] = 200
    frame = LabelledFrame(picture, np.array([[30.0, 20.0, 10.0, 20.0]]))
    config, draws = TinyTrainingConfig(zoom=0.3, color_change=0.1), np.random.default_rng(3)
    widths = set()
    for _ in range(20):
        changed = changed_frame(frame, config, draws)
        rows, columns = np.nonzero(changed.picture.max(axis=2) > 60)
        x, y, width, height = changed.boxes[0]
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert edges == pytest.approx([x, y, x + width, y + height], abs=1.6)
        widths.add(round(width, 2))
    assert min(widths) < 9
    assert max(widths) > 11


def test_boxes_with_centers_outside_are_left_out():
    boxes = np.array([[-6.0, 10, 10, 20], [-4.0, 10, 10, 20], [90.0, 60, 10, 20]])
    assert inner_boxes(boxes, SIZE).tolist() == [[-4.0, 10, 10, 20]]


def test_the_last_frames_of_each_video_are_held():
    first, second = [LabelledFrame(*scene(0))] * 20, [LabelledFrame(*scene(1))] * 10
    trained, held = split_frames([first, second], 0.1)
    assert (len(trained), len(held)) == (27, 3)


def test_the_mean_size_is_geometric():
    boxes = np.array([[0.0, 0, 4, 20], [0.0, 0, 16, 45]])
    assert mean_size_of([LabelledFrame(scene(0)[0], boxes)]) == pytest.approx((30.0, 8.0))
    with pytest.raises(DataError, match="no true box lies inside"):
        mean_size_of([LabelledFrame(scene(0)[0], np.empty((0, 4)))])


def test_f1_by_hand():
    box, near, far = [0.0, 0, 10, 10], [1.0, 0, 10, 10], [50.0, 0, 10, 10]
    # One found of two true, one false: 2 * 1 / (2 + 2).
    assert f1_score([np.array([near, far])], [np.array([box, [80.0, 0, 10, 10]])]) == 0.5
    # A second box on the same player is false: 2 * 1 / (2 + 1).
    assert f1_score([np.array([near, box])], [np.array([box])]) == pytest.approx(2 / 3)
    assert f1_score([np.empty((0, 4))], [np.empty((0, 4))]) == 1.0


def test_the_width_follows_the_aspect_in_steps_of_8():
    assert input_size((720, 1280), TinyConfig(height=224)) == (224, 400)
    assert input_size((100, 100), TinyConfig(height=64)) == (64, 64)


def test_values_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="height must be a multiple of 8 from 64 to 2048, got 100"):
        TinyConfig(height=100)
    with pytest.raises(ConfigError, match="channels must be a multiple of 8"):
        TinyConfig(channels=12)
    with pytest.raises(ConfigError, match="steps and batch_size must be at least 1"):
        TinyTrainingConfig(steps=0)
    with pytest.raises(ConfigError, match=r"held_share and zoom must lie in \[0, 0.5\]"):
        TinyTrainingConfig(zoom=0.7)


def test_a_loss_that_diverges_is_said():
    config = TinyTrainingConfig(steps=4, batch_size=1, learning_rate=1e30)
    with pytest.raises(
        TrainingError, match=r"the loss of step \d is nan; lower the learning rate \(1e\+30\)"
    ):
        train_tiny_detector([scenes(range(2))], CONFIG, config, device="cpu")


def test_other_files_are_refused_with_their_remedy(tmp_path, file):
    (tmp_path / "damaged.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_detector(tmp_path / "damaged.safetensors", device="cpu")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(
        CheckpointError, match=r"has the format None, .* --detector NAME --detector-weights FILE"
    ):
        load_detector(tmp_path / "other.safetensors", device="cpu")
    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors", {"format": "bvas-tiny-detector-1"})
    with pytest.raises(CheckpointError, match="does not fit its own config"):
        load_detector(tmp_path / "bare.safetensors", device="cpu")
    save_tiny_detector(tmp_path / "wrong.safetensors", TinyNetwork(TinyConfig(channels=8)), CONFIG)
    with pytest.raises(CheckpointError, match="does not fit its own config"):
        load_detector(tmp_path / "wrong.safetensors", device="cpu")


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "court.mkv"
    lines = []
    with VideoWriter(path, size=SIZE, rate=25, crf=12) as writer:
        for frame in range(12):
            picture, boxes = scene(frame)
            writer.write(picture)
            lines += [
                f"{frame + 1},{n},{','.join(map(str, box))},1\n" for n, box in enumerate(boxes, start=1)
            ]
    (tmp_path / "court_gt.txt").write_text("".join(lines))
    return path


def test_frames_are_read_evenly_with_their_own_boxes(video):
    frames = read_labelled_frames(video, truth_beside(video), CONFIG, most=4)
    assert len(frames) == 4
    for frame, source in zip(frames, (0, 4, 7, 11), strict=True):
        picture, boxes = scene(source)
        assert np.array_equal(frame.boxes, boxes)
        assert np.abs(frame.picture.astype(int) - picture).mean() < 6
    assert len(read_labelled_frames(video, truth_beside(video), CONFIG, most=100)) == 12
    half = read_labelled_frames(video, truth_beside(video), TinyConfig(height=128), most=1)[0]
    assert half.picture.shape == (128, 192, 3)
    assert np.array_equal(half.boxes, 2 * scene(0)[1])


def test_the_boxes_of_a_half_are_found_without_its_height(tmp_path):
    (tmp_path / "1_gt.txt").write_text("")
    (tmp_path / "gt.txt").write_text("")
    assert truth_beside(tmp_path / "1_224p.mkv").name == "1_gt.txt"
    assert truth_beside(tmp_path / "2_224p.mkv").name == "gt.txt"


def test_boxes_of_another_video_are_refused(video, tmp_path):
    longer = tmp_path / "longer.txt"
    longer.write_text("1,1,2,2,10,20,1\n13,1,2,2,10,20,1\n")
    with pytest.raises(DataError, match=r"has a box in frame 13, and court\.mkv has 12 frames"):
        read_labelled_frames(video, longer, CONFIG, most=4)
    with pytest.raises(DataError, match=r"no true boxes beside .*a\.mp4 \(a_gt\.txt, gt\.txt, gt/gt\.txt\)"):
        truth_beside(tmp_path / "a.mp4")


def test_the_command_trains_a_detector_that_loads(video, tmp_path, capsys):
    out = tmp_path / "court.safetensors"
    command = [
        "players",
        "detector",
        str(video),
        "--out",
        str(out),
        "--height",
        "64",
        "--steps",
        "2",
        "--device",
        "cpu",
    ]
    assert main(command) == 0
    assert "F1" in capsys.readouterr().err
    assert isinstance(load_detector(out, device="cpu"), TinyDetector)
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--boxes", str(tmp_path / "court_gt.txt")]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "d.pth"], "must end in .safetensors"),
        (["--out", "d.safetensors", "--boxes", "a", "b"], "1 video and 2 files of boxes"),
        (["--out", "d.safetensors", "--frames", "0"], "--frames must be at least 1"),
        (["--out", "d.safetensors", "--boxes", "none.txt"], "no file none.txt"),
    ],
)
def test_the_command_names_what_is_wrong(video, capsys, options, message):
    assert main(["players", "detector", str(video), *options]) == 2
    assert message in capsys.readouterr().err
