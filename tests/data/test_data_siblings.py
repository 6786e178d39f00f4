import json
import math
import shutil

import cv2
import numpy as np
import pytest
from task_videos import write_dataset, write_video

from bvas.cli import main
from bvas.data.matches import find_matches
from bvas.data.siblings import search
from bvas.data.siblings.candidates import Keypoints
from bvas.data.siblings.confirmation import agreement, fitted_map
from bvas.data.siblings.motion_features import SIDE, features_of
from bvas.data.siblings.samples import Sample, samples_of
from bvas.data.siblings.search import find_siblings
from bvas.data.spotting_task import dataset_task
from bvas.video.encode.video_writer import VideoWriter


def texture(seed, size=(96, 128)):
    """Return a picture with corners and blobs of many sizes."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16), dtype=np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


def clip(seed, background=0):
    """Return 16 frames of a still background, over which a patch moves its own way."""
    rng = np.random.default_rng(seed)
    patch = texture(seed + 1000, (32, 32))
    speed = rng.uniform(-2.5, 2.5, 2)
    frames = np.repeat(texture(background)[None] // 2 + 32, 16, axis=0)
    for number, frame in enumerate(frames):
        top, left = (np.array([32, 48]) + speed * (number - 8)).astype(int)
        frame[top : top + 32, left : left + 32] = np.clip(
            np.roll(patch, number * (seed % 3), axis=1), 16, 235
        )
    return frames


def write(path, frames, crf=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size=frames.shape[1:], rate=10, crf=crf) as writer:
        for frame in frames:
            writer.write(np.ascontiguousarray(frame))
    return path


def turned(frames, degrees):
    height, width = frames.shape[1:]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return np.stack([cv2.warpAffine(frame, matrix, (width, height)) for frame in frames])


def samples(*paths, length=1.6):
    """Return a sample for each path, each on a side of its own."""
    return [Sample(path.stem, path, f"fold {number}", 0.0, length) for number, path in enumerate(paths)]


def found(*paths, **more):
    return [(pair.first, pair.second, pair.how) for pair in find_siblings(samples(*paths), **more).pairs]


def pairs_of_frames(frames, size=SIDE):
    """Return six of the frames in the square, as `read_features` takes them."""
    chosen = [
        np.pad(cv2.resize(frames[i], (size, size * 3 // 4)), ((size // 8, size // 8), (0, 0)))
        for i in (1, 5, 6, 10, 11, 15)
    ]
    return np.stack(chosen)


def test_a_turned_and_mirrored_copy_is_found_by_the_map_that_made_it():
    frames = clip(1)
    copy = turned(frames[:, :, ::-1], 20)
    features = [features_of(pairs_of_frames(one)) for one in (frames, copy)]
    keypoints = Keypoints.of(features)

    found = fitted_map(keypoints, 0, 1, is_mirrored=True)

    matrix = found.matrix
    assert math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(-20, abs=1.5)
    assert matrix[:, :2] @ [95.5, 95.5] + matrix[:, 2] == pytest.approx([95.5, 95.5], abs=1.5)
    assert agreement(features[0].thumbnails, features[1].thumbnails, found) > 0.8
    assert fitted_map(keypoints, 0, 1, is_mirrored=False) is None


def test_a_turn_beyond_35_degrees_is_no_copy():
    frames = clip(1)
    keypoints = Keypoints.of([features_of(pairs_of_frames(one)) for one in (frames, turned(frames, 50))])
    assert fitted_map(keypoints, 0, 1, is_mirrored=False) is None


def test_a_map_must_fit_more_than_one_moment():
    one, other = pairs_of_frames(clip(1)), pairs_of_frames(clip(5))
    mixed = np.concatenate([one[:2], other[2:]])
    keypoints = Keypoints.of([features_of(frames) for frames in (one, mixed)])
    assert fitted_map(keypoints, 0, 1, is_mirrored=False) is None


def test_frames_in_which_nothing_moves_have_no_features():
    assert features_of(np.repeat(pairs_of_frames(clip(1))[:1], 6, axis=0)) is None


def test_copies_on_other_sides_are_found_and_other_clips_of_the_same_place_are_not(tmp_path):
    paths = [write(tmp_path / f"{number}.mp4", clip(number)) for number in range(6)]
    copy = write(tmp_path / "turned.mp4", turned(clip(2), 15))
    mirrored = write(tmp_path / "mirrored.mp4", clip(4)[:, :, ::-1], crf=35)
    assert found(*paths, copy, mirrored) == [("2", "turned", "near copy"), ("4", "mirrored", "mirrored copy")]


def test_copies_on_one_side_are_no_siblings(tmp_path):
    path = write(tmp_path / "a.mp4", clip(1))
    copies = [write(tmp_path / "turned.mp4", turned(clip(1), 15)), shutil.copy(path, tmp_path / "same.mp4")]
    alike = [Sample(one.stem, one, "train", 0.0, 1.6) for one in (path, *copies)]
    assert find_siblings(alike).pairs == ()


def test_the_same_content_is_found_though_nothing_moves_in_it(tmp_path):
    path = write_video(tmp_path / "a.mp4", 16)
    copy, other = shutil.copy(path, tmp_path / "b.mp4"), write_video(tmp_path / "c.mp4", 17)
    result = find_siblings(samples(path, copy, other))
    assert [str(pair) for pair in result.pairs] == ["'a' (fold 0) and 'b' (fold 1): same content"]
    assert result.num_still == 3


def test_videos_of_another_length_are_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "read_features", lambda *_: pytest.fail("decoded"))
    paths = [write(tmp_path / f"{number}.mp4", clip(number)) for number in range(2)]
    lengths = [
        Sample(path.stem, path, path.stem, 0.0, 1.6 + 0.6 * number) for number, path in enumerate(paths)
    ]
    assert find_siblings(lengths).num_compared == 0


def test_a_search_is_kept_until_a_file_or_a_side_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    paths = [write(tmp_path / "a.mp4", clip(1)), write(tmp_path / "b.mp4", turned(clip(1), 15))]
    before = find_siblings(samples(*paths))
    assert len(before.pairs) == 1
    reads = []
    monkeypatch.setattr(search, "read_features", lambda *arguments: reads.append(arguments))

    assert find_siblings(samples(*paths)) == before
    assert reads == []
    find_siblings(samples(*reversed(paths)))
    assert len(reads) == 2
    write(paths[1], clip(2))
    find_siblings(samples(*paths))
    assert len(reads) == 4


def test_among_too_many_only_the_same_content_is_looked_for(tmp_path):
    paths = [write(tmp_path / f"{number}.mp4", clip(number)) for number in range(3)]
    copy = shutil.copy(paths[0], tmp_path / "copy.mp4")
    result = find_siblings(samples(*paths, copy), most_compared=3)
    assert ([pair.how for pair in result.pairs], result.is_complete) == (["same content"], False)


def root_of(tmp_path, *, group=None):
    """Return a data root of three clips in two folds, of which two are one."""
    root = tmp_path / "data"
    write(root / "a.mp4", clip(1))
    write(root / "b.mp4", clip(1)[:, :, ::-1])
    write(root / "c.mp4", clip(3))
    folds = {"a": 0, "b": 0 if group else 1, "c": 1}
    more = {"group": group} if group else {}
    entries = [
        {"video": f"{name}.mp4", "label": "PASS", "fold": fold, **more} for name, fold in folds.items()
    ]
    entries[2].pop("group", None)
    return write_dataset(root, [], samples=entries, format="bvas-dataset-2", labels=["PASS"])


def test_the_check_of_data_names_the_pairs_and_ends_with_2(tmp_path, capsys):
    root = root_of(tmp_path)
    assert main(["data", "check", str(root)]) == 2
    text = capsys.readouterr().out
    assert "sibling: 'a' (fold 0) and 'b' (fold 1): mirrored copy" in text
    assert (
        "1 pair of siblings across folds or splits (3 samples of equal length compared): give them one"
        in text
    )
    assert "no faults" in text
    assert main(["data", "check", str(root), "--json"]) == 2
    (pair,) = json.loads(capsys.readouterr().out)["data"][0]["siblings"]["pairs"]
    assert (pair["first"], pair["second"], pair["how"]) == ("a", "b", "mirrored copy")

    assert main(["data", "check", str(root_of(tmp_path, group="one"))]) == 0
    assert "no siblings across folds or splits" in capsys.readouterr().out


def test_a_range_of_a_long_video_is_a_sample(tmp_path):
    write(tmp_path / "long.mp4", np.concatenate([clip(1), clip(2)]))
    write(tmp_path / "cut.mp4", clip(2))
    entries = [
        {"video": "long.mp4", "from_seconds": 1.6, "to_seconds": 3.2, "label": "PASS", "fold": 0},
        {"video": "cut.mp4", "label": "PASS", "fold": 1},
    ]
    write_dataset(tmp_path, [], samples=entries, format="bvas-dataset-2", labels=["PASS"])
    task = dataset_task(["PASS"])
    ((first, second),) = [
        (pair.first, pair.second)
        for pair in find_siblings(samples_of(find_matches(task, tmp_path), task)).pairs
    ]
    assert (first, second) == ("long_1.6-3.2s", "cut")
