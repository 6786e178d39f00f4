"""Clips of samples: which frames they have, how many of each class are drawn, and the controls of frame order."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.experiment.class_config import ClassConfig
from bvas.loading.class_clips import (
    ClassTestClips,
    ClassTrainingClips,
    check_classes,
    count_classes,
    possible_centers,
    spread_centers,
)
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=4, frame_step=1, stack_size=4)
# Document 001: counts of SpaceJam, and what its balancing leaves.
NAMES = ("block", "pass", "run", "dribble", "shoot", "ball in hand", "defense", "pick", "no_action", "walk")
COUNTS = (996, 1070, 5924, 3490, 426, 2362, 3866, 712, 6490, 11749)
BALANCED = (426, 1070, 426, 426, 426, 1070, 426, 426, 426, 426)


def sample(label: int, start: int = 0, stop: int = 16, num_frames: int = 16):
    """A labelled video without a file, whose grid is its own frames."""
    return SimpleNamespace(
        num_labels=2,
        num_frames=num_frames,
        ranges=np.array([[start, stop, label]], np.int64),
        grid=SimpleNamespace(indices=np.arange(num_frames)),
    )


def frames_of(requests):
    return [request.indices.tolist() for request in requests]


def first_frames(centers):
    return (centers - CLIP.frames_before).tolist()


def test_possible_clips_start_every_so_many_frames_and_end_within_the_sample():
    assert first_frames(possible_centers(10, 18, CLIP)) == [10, 11, 12, 13, 14]
    assert first_frames(possible_centers(10, 18, CLIP, spacing=3)) == [10, 13]
    assert first_frames(possible_centers(10, 14, CLIP, spacing=3)) == [10]


def test_a_clip_longer_than_its_sample_lies_in_the_middle_and_repeats_its_ends():
    clips = ClassTestClips([sample(0, 5, 7)], CLIP, ClassConfig(), ("A", "B"))
    assert frames_of(clips.requests(0)) == [[5, 5, 6, 6]]
    assert first_frames(possible_centers(5, 7, CLIP)) == [4]


def test_test_clips_are_in_the_middle_or_from_end_to_end_and_distinct():
    assert first_frames(spread_centers(10, 20, 1, CLIP)) == [13]
    assert first_frames(spread_centers(10, 20, 3, CLIP)) == [10, 13, 16]
    assert first_frames(spread_centers(10, 15, 5, CLIP)) == [10, 11]
    assert first_frames(spread_centers(10, 14, 5, CLIP)) == [10]


def test_frames_never_leave_the_sample_within_a_longer_video():
    wide = ClipConfig(num_frames=4, frame_step=3, stack_size=4)
    clips = ClassTestClips([sample(1, 8, 14, num_frames=100)], wide, ClassConfig(), ("A", "B"))
    (request,) = clips.requests(0)
    assert request.indices.tolist() == [8, 9, 12, 13]
    assert request.targets.tolist() == [0.0, 1.0]


def test_document_001s_counts_come_out_exactly():
    config = ClassConfig(cap_per_class={"pass": 1070, "ball in hand": 1070})
    before = dict(zip(NAMES, COUNTS, strict=True))
    assert tuple(config.balanced_counts(before).values()) == BALANCED
    videos = [sample(label) for label, count in enumerate(COUNTS) for _ in range(count)]
    clips = ClassTrainingClips(videos, ClipConfig(num_frames=16, frame_step=1, stack_size=16), config, NAMES)
    assert clips.num_clips == sum(BALANCED) == 5548
    drawn = Counter(int(request.targets.argmax()) for request in clips.requests(0, seed=1))
    assert tuple(drawn[label] for label in range(10)) == BALANCED


def test_other_samples_are_drawn_in_other_epochs_and_none_twice_in_one():
    clips = ClassTrainingClips([sample(0)] * 3 + [sample(1)] * 20, CLIP, ClassConfig(), ("A", "B"))
    epochs = [Counter(request.video_id for request in clips.requests(epoch)) for epoch in range(10)]
    assert all(len(drawn) == 6 and set(drawn.values()) == {1} for drawn in epochs)
    assert all({0, 1, 2} <= set(drawn) for drawn in epochs)
    # 30 draws of 20 samples.
    assert len(set().union(*epochs)) > 15


def test_an_epoch_is_the_same_when_it_is_drawn_again():
    clips = ClassTrainingClips([sample(0)] * 5 + [sample(1)] * 9, CLIP, ClassConfig(), ("A", "B"))
    first = [(request.video_id, request.center, request.seed) for request in clips.requests(3, seed=7)]
    clips.requests(4, seed=7)
    assert first == [
        (request.video_id, request.center, request.seed) for request in clips.requests(3, seed=7)
    ]


def test_without_balance_all_clips_are_drawn():
    clips = ClassTrainingClips([sample(0)] + [sample(1)] * 4, CLIP, ClassConfig(balance=False), ("A", "B"))
    assert clips.drawn == {"A": 1, "B": 4}


def test_the_first_clips_of_a_sample_or_random_ones_are_taken():
    def starts(epoch=0, **config):
        config = ClassConfig(balance=False, **config)
        clips = ClassTrainingClips([sample(0), sample(1)], CLIP, config, ("A", "B"))
        return sorted(int(r.indices[0]) for r in clips.requests(epoch) if r.video_id == 0)

    assert starts(choice="first", clips_per_sample=2) == [0, 1]
    assert starts(choice="first", clips_per_sample=2, spacing_frames=5) == [0, 5]
    assert starts(clips_per_sample=None, spacing_frames=4) == [0, 4, 8, 12]
    seen = {start for epoch in range(40) for start in starts(epoch, clips_per_sample=3)}
    assert len(starts(clips_per_sample=3)) == len(set(starts(clips_per_sample=3))) == 3
    assert seen == set(range(13))


def test_a_clip_that_cannot_be_decoded_is_replaced_by_one_of_its_class():
    clips = ClassTrainingClips([sample(0)] * 4 + [sample(1)] * 4, CLIP, ClassConfig(), ("A", "B"))
    for number in range(clips.num_clips):
        wanted = clips.request(number, epoch=0, seed=0).targets.tolist()
        for attempt in range(5):
            assert clips.request(number, epoch=0, seed=0, attempt=attempt).targets.tolist() == wanted


def test_shuffled_frames_are_the_same_frames_and_tests_shuffle_alike_each_time():
    config = ClassConfig(frame_order="shuffled")
    whole = ClipConfig(num_frames=16, frame_step=1, stack_size=16)
    training = ClassTrainingClips([sample(0), sample(1)], whole, config, ("A", "B"))
    for request in training.requests(0):
        assert sorted(request.indices.tolist()) == list(range(16))
        assert request.indices.tolist() != list(range(16))
    assert frames_of(training.requests(0)) != frames_of(training.requests(1))
    test = ClassTestClips([sample(0), sample(1)], whole, config, ("A", "B"))
    assert frames_of(test.requests(0)) == frames_of(test.requests(1))


def test_a_single_frame_is_repeated_a_random_one_in_training_and_the_middle_one_in_tests():
    config = ClassConfig(frame_order="single")
    test = ClassTestClips([sample(0)], CLIP, config, ("A", "B"))
    assert frames_of(test.requests(0)) == [[8, 8, 8, 8]]
    training = ClassTrainingClips([sample(0, 0, 4), sample(1)], CLIP, config, ("A", "B"))
    firsts = set()
    for epoch in range(30):
        for request in training.requests(epoch):
            assert len(set(request.indices.tolist())) == 1
            firsts |= {int(request.indices[0])} if request.video_id == 0 else set()
    assert firsts == {0, 1, 2, 3}


def test_classes_weigh_by_the_inverse_of_their_clips():
    config = ClassConfig(balance=False, weigh_by_count=True)
    clips = ClassTrainingClips([sample(0)] + [sample(1)] * 3, CLIP, config, ("A", "B"))
    targets = np.sum([request.targets for request in clips.requests(0)], axis=0)
    # Both classes count alike, and the mean weight of a clip is 1.
    assert targets.tolist() == pytest.approx([2.0, 2.0])
    named = ClassTrainingClips(
        [sample(0), sample(1)], CLIP, ClassConfig(class_weights={"B": 3.0}), ("A", "B")
    )
    assert sorted(request.targets.max() for request in named.requests(0)) == [1.0, 3.0]
    # Tests count each sample once.
    assert ClassTestClips([sample(0)], CLIP, config, ("A", "B")).requests(0)[0].targets.tolist() == [1.0, 0.0]


def test_classes_without_samples_are_named_and_a_single_class_is_refused():
    assert count_classes([sample(0), sample(1), sample(1)], ("A", "B")) == {"A": 1, "B": 2}
    assert check_classes([sample(0), sample(1)], ("A", "B", "C")) == ["C"]
    with pytest.raises(ConfigError, match="samples of A alone"):
        check_classes([sample(0)], ("A", "B"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choice": "last"}, "choice must be one of random, first"),
        ({"frame_order": "reversed"}, "frame_order must be one of"),
        ({"spacing_frames": 0}, "spacing_frames"),
        ({"clips_per_sample": 0}, "clips_per_sample"),
        ({"cap": 0}, "cap of a class must be at least 1"),
        ({"cap_per_class": {"A": 0}}, "got 0 for 'A'"),
        ({"balance": False, "cap": 5}, "need balance=True"),
        ({"class_weights": {"A": 0.0}}, "class_weights must be positive"),
        ({"class_weights": {"A": 1.0}, "weigh_by_count": True}, "keep one of them"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
    ],
)
def test_rules_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        ClassConfig(**changes)
