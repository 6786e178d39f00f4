"""Of a damaged file all is read that FFmpeg's decoder outputs, and no frame under another's number.

NVDEC fills in what it cannot decode and reports nothing, so it takes no part here. Neither HEVC nor OpenCV
report all that they fill in: see each test.
"""

import av
import numpy as np
import pytest
from damage import DAMAGED
from video_samples import number_in, numbers_in, read_luma

from bvas import DecodeError, open_video
from bvas.video.index.video_index import build_index

# libav's HEVC decoder takes overwritten bytes for other pictures and does not notice. A loss it notices.
REPORTED = [sample for sample in DAMAGED if not sample.name.startswith("hevc-bytes")]


def by_name(samples):
    return pytest.mark.parametrize("sample", samples, ids=[sample.name for sample in samples])


def delivered(reader):
    """Number shown by each frame that can be had, and the ranges of those that cannot."""
    shown, lost, start = {}, [], 0
    while True:
        try:
            for first, batch in reader.stream(start, batch_size=16):
                shown |= {first + place: number_in(frame) for place, frame in enumerate(batch)}
        except DecodeError as error:
            lost.append(error.lost)
            start = error.lost.stop
        else:
            return shown, lost


def true_numbers(files, sample, index):
    """Number that belongs to the time of each frame, by the file as it was before."""
    whole, _ = build_index(files.whole_of(sample))
    number_at = {pts: number for number, pts in enumerate(whole.pts.tolist())}
    return [number_at[pts] for pts in index.pts.tolist()]


def count_by_ffmpeg(path):
    """Frames that the decoder outputs if fed packet by packet, whatever fails."""
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            try:
                count += len(packet.decode())
            except av.FFmpegError:
                continue
    return count


@by_name(DAMAGED)
def test_no_fewer_frames_are_delivered_than_ffmpeg_outputs(files, sample):
    path = files.of_damaged(sample)
    with open_video(path) as reader:
        shown, lost = delivered(reader)
        assert len(shown) >= count_by_ffmpeg(path)
        assert sorted([*shown, *(frame for stretch in lost for frame in stretch)]) == list(
            range(reader.info.num_frames)
        )


@by_name(REPORTED)
def test_a_frame_shows_its_own_number_unless_it_is_listed_as_damaged(files, sample):
    with open_video(files.of_damaged(sample)) as reader:
        numbers = true_numbers(files, sample, reader.index)
        shown, _ = delivered(reader)
        listed = set(reader.info.damaged)
    assert {i for i, number in shown.items() if number != numbers[i]} <= listed


@by_name(REPORTED)
def test_a_frame_read_by_itself_is_the_one_of_the_stream_and_listed_like_it(files, sample):
    path = files.of_damaged(sample)
    with open_video(path) as reader:
        numbers = true_numbers(files, sample, reader.index)
        shown, _ = delivered(reader)
        rng = np.random.default_rng(5)
        order = rng.choice(sorted(shown), 40).tolist()
        frames = {i: read_luma(reader, [i])[0] for i in order}
    for i in order[:15]:
        with open_video(path) as fresh:
            frame = read_luma(fresh, [i])[0]
            assert np.array_equal(frame, frames[i]), i
            assert number_in(frame) == numbers[i] or i in fresh.info.damaged, i


@by_name(DAMAGED)
def test_after_an_error_the_reader_reads_right_again(files, sample):
    with open_video(files.of_damaged(sample)) as reader:
        shown, lost = delivered(reader)
        sound = [i for i in shown if i not in reader.info.damaged]
        for stretch in lost:
            with pytest.raises(DecodeError):
                read_luma(reader, [stretch.start])
            assert numbers_in(read_luma(reader, [sound[0], sound[-1]])) == [shown[sound[0]], shown[sound[-1]]]
        with pytest.raises(IndexError):
            read_luma(reader, [reader.info.num_frames])
        assert numbers_in(read_luma(reader, [sound[-1]])) == [shown[sound[-1]]]


@by_name(REPORTED)
def test_doubtful_frames_are_refused_where_that_is_asked_for(files, sample):
    with open_video(files.of_damaged(sample), on_damage="raise") as reader:
        numbers = true_numbers(files, sample, reader.index)
        shown, _ = delivered(reader)
        assert reader.info.damaged == ()
    assert {i: numbers[i] for i in shown} == shown


@by_name([sample for sample in REPORTED if sample.name.endswith("mp4")])
def test_opencv_refuses_or_fills_in_only_what_the_reference_lists_as_damaged(files, sample):
    # It does not tell what it has filled in, and its admission looks at three frames.
    path = files.of_damaged(sample)
    with open_video(path) as reference:
        delivered(reference)
        listed = set(reference.info.damaged)
    try:
        reader = open_video(path, "opencv")
    except DecodeError as error:
        refusal = str(error)
        assert 'backend="pyav"' in refusal
        return
    with reader:
        numbers = true_numbers(files, sample, reader.index)
        shown, _ = delivered(reader)
    assert {i for i, number in shown.items() if number != numbers[i]} <= listed
