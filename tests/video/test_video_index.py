import logging
import pickle
from fractions import Fraction

import numpy as np
import pytest
from video_samples import make_video, remux

from bvas import DecodeError
from bvas.video.index.video_index import build_index


def index_of(path):
    return build_index(path, cache=False)[0]


def cut(source, target, start, stop):
    """Part of a TS file, on packet borders, but torn within a frame."""
    data = source.read_bytes()
    count = len(data) // 188
    target.write_bytes(data[int(count * start) * 188 : int(count * stop) * 188])
    return target


def test_frames_are_counted_in_presentation_order_from_zero(tmp_path):
    index, info = build_index(make_video(tmp_path / "a.mp4", num_frames=30, rate=30), cache=False)
    assert index.num_frames == info.num_frames == 30
    assert index.rate == 30
    assert not index.variable_rate
    assert not index.decode_order
    assert index.seconds_of(0) == 0
    assert index.seconds_of(15) == 0.5
    assert index.duration_seconds == 1.0
    assert (np.diff(index.pts) > 0).all()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_the_frame_at_the_time_of_a_frame_is_that_frame(tmp_path, name):
    path = make_video(tmp_path / name, num_frames=60, rate=Fraction(30000, 1001))
    index = index_of(path)
    assert [index.frame_at(index.seconds_of(i)) for i in range(60)] == list(range(60))
    assert index.rate == Fraction(30000, 1001)


def test_between_two_frames_the_earlier_is_on_screen(tmp_path):
    index = index_of(make_video(tmp_path / "a.mp4", num_frames=10))
    assert [index.frame_at(s) for s in (-1.0, 0.039, 0.041, 0.35, 0.37, 99.0)] == [0, 0, 1, 8, 9, 9]


def test_an_index_outside_the_video_is_named_with_file_and_length(tmp_path):
    index = index_of(make_video(tmp_path / "a.mp4", num_frames=10))
    with pytest.raises(IndexError, match=r"frame 10 of a\.mp4 is outside the video \(10 frames\)"):
        index.seconds_of(10)


def test_time_zero_is_the_first_frame_whatever_the_container_starts_with(tmp_path):
    times = [137 + i for i in range(20)]
    path = make_video(tmp_path / "a.mkv", num_frames=20, times=times, time_base=Fraction(1, 25))
    index, info = build_index(path, cache=False)
    assert index.seconds_of(0) == 0
    assert info.start_seconds == pytest.approx(5.48)
    assert info.duration_seconds == pytest.approx(0.8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_variable_times_are_kept_and_flagged(tmp_path, name):
    times = [0, 40, 100, 110, 300, 340, 500, 1000]
    path = make_video(tmp_path / name, num_frames=8, times=times, time_base=Fraction(1, 1000))
    index = index_of(path)
    assert index.variable_rate
    assert index.seconds.tolist() == pytest.approx([t / 1000 for t in times])


def test_frames_that_an_edit_list_cuts_away_are_not_counted(tmp_path):
    def shift(_, packet):
        packet.pts -= 15 * 512
        packet.dts -= 15 * 512

    options = {"use_editlist": "1", "avoid_negative_ts": "disabled"}
    path = remux(make_video(tmp_path / "whole.mp4"), tmp_path / "cut.mp4", shift, options)
    assert index_of(path).num_frames == 45


def test_a_recording_that_begins_between_keyframes_is_counted_from_what_can_be_decoded(tmp_path):
    whole = make_video(tmp_path / "whole.ts", num_frames=120, options={"g": "30", "sc_threshold": "0"})
    part = index_of(cut(whole, tmp_path / "part.ts", 0.3, 1.0))
    assert part.num_frames in (90, 60)
    assert not part.decode_order
    assert part.first_of_keyframe(0) == 0


def test_a_frame_cut_off_at_the_end_of_a_recording_does_not_hide_the_rest(tmp_path):
    whole = make_video(tmp_path / "whole.ts", num_frames=120, options={"g": "30"})
    assert 50 < index_of(cut(whole, tmp_path / "part.ts", 0.0, 0.7)).num_frames < 110


def test_avi_has_no_times_so_frames_are_counted_and_it_is_said_once(tmp_path, caplog):
    path = make_video(tmp_path / "a.avi", codec="mpeg4", options={"bf": "2"})
    with caplog.at_level(logging.WARNING):
        first, again = build_index(path)[0], build_index(path)[0]
    assert first.decode_order
    assert again.decode_order
    assert first.num_frames == 60
    assert first.seconds_of(25) == 1.0
    assert caplog.text.count("no reliable presentation times") == 1


def test_mpeg4_with_true_times_needs_no_counting(tmp_path):
    index = index_of(make_video(tmp_path / "a.mp4", codec="mpeg4", options={"bf": "2"}))
    assert index.num_frames == 60
    assert not index.decode_order


def test_frames_that_share_a_time_are_counted_and_keep_moments_of_their_own(tmp_path):
    def same_time(_, packet):
        if 20 * 512 <= packet.pts < 36 * 512:
            packet.pts = 35 * 512

    path = remux(make_video(tmp_path / "a.mp4"), tmp_path / "b.mp4", same_time)
    index = index_of(path)
    assert index.decode_order
    assert index.num_frames == 60
    assert [index.frame_at(index.seconds_of(i)) for i in range(60)] == list(range(60))


def test_a_gradual_refresh_is_no_keyframe(tmp_path):
    options = {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}
    index, info = build_index(make_video(tmp_path / "a.mp4", options=options), cache=False)
    assert index.gradual_refresh
    assert len(index.keyframe_pts) == 1
    assert info.keyframe_intervals == (60, 60, 60)


def test_the_picture_is_described_as_it_is_shown(tmp_path):
    path = make_video(
        tmp_path / "a.mp4", num_frames=3, pixel_format="yuvj420p", rotation=90, sample_aspect=Fraction(4, 3)
    )
    info = build_index(path, cache=False)[1]
    assert (info.height, info.width) == (80, 48)
    assert info.sample_aspect == Fraction(3, 4)
    assert info.color_range == "full"
    # libav's tag counts counterclockwise.
    assert info.rotation == 270
    assert info.codec == "h264"


def test_depth_range_and_interlacing_are_told(tmp_path):
    ten = build_index(make_video(tmp_path / "ten.mp4", num_frames=3, pixel_format="yuv420p10le"))[1]
    assert (ten.bit_depth, ten.color_range, ten.interlaced) == (10, "limited", False)
    fields = build_index(make_video(tmp_path / "f.mp4", num_frames=3, options={"x264-params": "tff=1"}))[1]
    assert (fields.bit_depth, fields.interlaced) == (8, True)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.mp4", None, "does not exist"),
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"this is no video\n" * 100, "is not a video"),
        ("notes.txt", b"this is no video\n" * 100, "no video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, name, content, expected):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DecodeError, match=expected) as caught:
        build_index(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.lost is None


def test_a_folder_and_a_file_without_its_head_are_refused(tmp_path):
    with pytest.raises(DecodeError, match="is a folder"):
        build_index(tmp_path)
    path = make_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DecodeError, match="cut off"):
        build_index(path)


def test_an_index_can_be_sent_to_another_process(tmp_path):
    index = index_of(make_video(tmp_path / "a.mp4", num_frames=5))
    sent = pickle.loads(pickle.dumps(index))
    assert sent.pts.tolist() == index.pts.tolist()
    assert sent.seconds_of(4) == index.seconds_of(4)


def test_titles_that_are_not_utf_8_do_not_matter(tmp_path):
    path = make_video(tmp_path / "a.mkv", num_frames=5)
    data = path.read_bytes()
    # What the muxer writes of itself, in two places.
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"L\xe9vf"))
    assert index_of(path).num_frames == 5
