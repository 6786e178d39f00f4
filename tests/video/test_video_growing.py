"""A stream gives the frames, numbers and index that the saved file has."""

import logging
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from stream_sources import assert_same_index, frames_of, open_any, piped, sent_by_udp, served, written_slowly
from video_samples import make_video, remux

from bvas import DecodeError, open_stream, open_video
from bvas.video.container.read_options import source_of
from bvas.video.index.video_index import build_index
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:b-adapt=0"}
TIMES = np.cumsum(np.random.default_rng(5).integers(20, 90, 60)).tolist()

CASES = [
    ("pieces.mp4", {"container_options": FRAGMENTS}),
    ("head.mp4", {"container_options": {"movflags": "faststart"}}),
    ("plain.mkv", {}),
    ("plain.ts", {}),
    ("plain.flv", {}),
    ("ntsc.mkv", {"rate": Fraction(30000, 1001)}),
    ("open.ts", {"options": OPEN_GOP}),
    ("hevc.ts", {"codec": "libx265", "options": {"x265-params": "open-gop=1:bframes=4"}}),
    ("refresh.ts", {"options": {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}}),
    ("old.avi", {"codec": "mpeg4", "options": {"bf": "2"}}),
    ("old.mkv", {"codec": "mpeg4", "options": {"bf": "2"}}),
    ("bare.h264", {}),
    ("variable.mkv", {"times": TIMES, "time_base": Fraction(1, 1000)}),
    ("late.mkv", {"times": [137 + i for i in range(60)], "time_base": Fraction(1, 25)}),
    (
        "hidden.webm",
        {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "500k"}},
    ),
    ("fields.ts", {"options": {"x264-params": "tff=1"}}),
]


def assert_like_the_file(source, path, **options):
    """Read a stream to its end and compare all of it with the file; return the frames that it gave."""
    whole_index, whole_info = build_index(path, cache=False)
    with open_video(path, "pyav", cache=False) as reader:
        expected = frames_of(reader)
        whole_info = replace(whole_info, damaged=reader.info.damaged)
    with open_any(source, **options) as reader:
        assert frames_of(reader) == expected
        assert_same_index(reader.index, whole_index)
        assert replace(reader.info, path=whole_info.path) == whole_info
    return expected


@pytest.mark.parametrize(("name", "settings"), CASES, ids=[name for name, _ in CASES])
def test_a_pipe_gives_what_the_file_gives(tmp_path, name, settings):
    path = make_video(tmp_path / name, **settings)
    with piped(path) as pipe:
        frames, lost = assert_like_the_file(pipe, path)
    assert frames == [(i, i) for i in range(60)]
    assert lost == []


@pytest.mark.parametrize("part", [0.1, 0.3, 0.6])
def test_a_recording_that_begins_between_keyframes_is_numbered_as_in_a_file(tmp_path, part):
    options = {"g": "30", "sc_threshold": "0"}
    data = make_video(tmp_path / "a.ts", num_frames=120, options=options).read_bytes()
    path = tmp_path / "b.ts"
    path.write_bytes(data[int(len(data) // 188 * part) * 188 :])
    with piped(path) as pipe:
        frames, _ = assert_like_the_file(pipe, path)
    assert frames[0][1] in (30, 60, 90)


def test_frames_that_an_edit_list_cuts_away_are_not_counted_in_a_pipe(tmp_path):
    def shift(_, packet):
        packet.pts -= 15 * 512
        packet.dts -= 15 * 512

    options = {"movflags": "faststart", "use_editlist": "1", "avoid_negative_ts": "disabled"}
    path = remux(make_video(tmp_path / "whole.mp4"), tmp_path / "cut.mp4", shift, options)
    with piped(path) as pipe:
        frames, _ = assert_like_the_file(pipe, path)
    assert frames == [(i, i + 15) for i in range(45)]


def test_times_that_repeat_in_the_middle_change_no_number_that_was_given(tmp_path):
    def same_time(_, packet):
        if 20 * 40 <= packet.pts < 36 * 40:
            packet.pts = 35 * 40

    whole = make_video(tmp_path / "a.mkv", options={"bf": "0"})
    path = remux(whole, tmp_path / "b.mkv", same_time)
    with piped(path) as pipe:
        frames, _ = assert_like_the_file(pipe, path)
    assert frames == [(i, i) for i in range(60)]
    assert build_index(path, cache=False)[0].decode_order


def damage(path, places):
    """Drop three TS packets at each of these places of a file."""
    data = bytearray(path.read_bytes())
    for place in sorted(places, reverse=True):
        start = int(len(data) // 188 * place) * 188
        del data[start : start + 3 * 188]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_stream_loses_and_lists_the_frames_that_the_file_does(tmp_path, seed):
    places = np.random.default_rng(seed).uniform(0.15, 0.9, 3)
    path = damage(make_video(tmp_path / "a.ts", num_frames=120, options={"g": "30"}), places)
    with piped(path) as pipe:
        frames, lost = assert_like_the_file(pipe, path)
    assert frames[:10] == [(i, i) for i in range(10)]
    assert len(frames) + sum(map(len, lost)) > 100


def lose_packets(path, numbers):
    """Overwrite the inside of packets of an mp4 without B-frames, so that they give no picture."""
    import av

    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    data = bytearray(path.read_bytes())
    for number in numbers:
        packet = packets[number]
        data[packet.pos + 4 : packet.pos + packet.size] = b"\xff" * (packet.size - 4)
    path.write_bytes(data)


@pytest.fixture
def damaged(tmp_path):
    options = {"bf": "0", "sc_threshold": "0"}
    path = make_video(tmp_path / "a.mp4", options=options, container_options=FRAGMENTS)
    lose_packets(path, [17, 18])
    return path


def test_lost_frames_raise_and_the_open_stream_goes_on_behind_them(damaged, caplog):
    with piped(damaged) as pipe, open_stream(pipe) as reader, caplog.at_level(logging.WARNING):
        batches = reader.stream(batch_size=100)
        assert next(batches)[1].shape[0] == 17
        with pytest.raises(
            DecodeError, match=r"frame 17 \(0\.680 s\) .* reading can continue at frame 19"
        ) as caught:
            next(batches)
        assert caught.value.lost == range(17, 19)
        assert frames_of_rest(reader, 19) == list(range(19, 60))
        assert reader.info.damaged == tuple(range(19, 24))
    assert caplog.text.count("is damaged") == 1


def frames_of_rest(reader, start):
    return [first + i for first, batch in reader.stream(start) for i in range(len(batch))]


def test_frames_behind_an_error_are_refused_up_to_the_next_keyframe_where_that_is_asked_for(damaged):
    with piped(damaged) as pipe, open_stream(pipe, on_damage="raise") as reader:
        frames, lost = frames_of(reader)
    assert lost == [range(17, 19), range(19, 24)]
    assert [index for index, _ in frames] == [*range(17), *range(24, 60)]


def test_lost_frames_that_nobody_asked_for_do_not_stop_a_stream(damaged):
    with piped(damaged) as pipe, open_stream(pipe) as reader:
        assert [first for first, _ in reader.stream(0, None, 5, batch_size=1)] == list(range(0, 60, 5))


def test_where_numbers_must_part_from_those_of_the_file_it_is_said_once(tmp_path):
    # Frames 17 and 18 are lost; frame 40 and the nine after it have one time, so that the whole file can
    # only be counted, without those that were lost.
    def same_time(number, packet):
        if 40 <= number < 50:
            packet.pts = 49 * 512

    options = {"bf": "0", "sc_threshold": "0"}
    whole = make_video(tmp_path / "a.mp4", options=options)
    path = remux(whole, tmp_path / "b.mp4", same_time, FRAGMENTS)
    lose_packets(path, [17, 18])
    assert build_index(path, cache=False)[0].num_frames == 58
    with piped(path) as pipe, open_stream(pipe) as reader:
        with pytest.raises(DecodeError) as caught:
            list(reader.stream())
        assert caught.value.lost == range(17, 19)
        with pytest.raises(
            DecodeError, match=r"two packets have one time\. Frames were lost before it"
        ) as caught:
            list(reader.stream(19))
        assert (caught.value.lost.start, len(caught.value.lost)) == (41, 0)
        # Frame 41 is 39 in the file.
        assert frames_of_rest(reader, 41) == list(range(41, 60))
        assert reader.index.decode_order


@pytest.mark.slow
def test_a_file_that_is_being_written_is_read_to_where_it_stops_growing(tmp_path):
    for name, settings in (("a.mkv", {}), ("b.ts", {}), ("c.mp4", {"container_options": FRAGMENTS})):
        path = make_video(tmp_path / name, **settings)
        with written_slowly(path) as growing:
            assert_like_the_file(growing, path, growing=True, idle_seconds=0.5)


def test_an_address_on_the_web_gives_what_the_file_gives(tmp_path):
    for name, settings in (("a.mkv", {}), ("b.ts", {}), ("c.mp4", {"container_options": FRAGMENTS})):
        path = make_video(tmp_path / name, **settings)
        with served(tmp_path) as address:
            assert_like_the_file(f"{address}/{name}", path)


def test_a_playlist_of_segments_is_one_video(tmp_path):
    whole = make_video(tmp_path / "a.ts", num_frames=100, options={"g": "25", "sc_threshold": "0"})
    folder = tmp_path / "segments"
    folder.mkdir()
    path = remux(whole, folder / "a.m3u8", lambda *_: None, {"hls_time": "1", "hls_list_size": "0"})
    assert len(list(folder.glob("*.ts"))) == 4
    with served(folder) as address:
        frames, _ = assert_like_the_file(f"{address}/a.m3u8", path)
    assert frames == [(i, i) for i in range(100)]


def test_a_broadcast_that_falls_silent_gives_all_that_came_before(tmp_path):
    path = make_video(tmp_path / "a.ts")
    whole = build_index(path, cache=False)[0]
    with sent_by_udp(path) as address:
        patience = Patience(stall=1.0)
        with StreamReader(source_of(address), on_damage="deliver", patience=patience) as reader:
            frames = []
            with pytest.raises(DecodeError, match=r"nothing came from udp://.* for 1 s") as caught:
                for first, batch in reader.stream(batch_size=1):
                    frames.append(first)
                    assert batch.shape[0] == 1
            assert caught.value.lost is None
            assert frames == list(range(60))
            assert_same_index(reader.index, whole)
            with pytest.raises(DecodeError, match="nothing came"):
                next(reader.stream(60))


def test_a_frame_comes_out_before_the_next_ones_are_written(tmp_path):
    path = make_video(tmp_path / "a.mkv", num_frames=120, options={"bf": "0"})
    release = threading.Event()
    with piped(path, hold_at=0.6, release=release) as pipe, open_stream(pipe) as reader:
        seen = []
        for first, _ in reader.stream(batch_size=1):
            seen.append(first)
            if first == 50:
                assert not release.is_set()
                assert 50 < reader.info.num_frames < 90
                assert reader.index.num_frames == reader.info.num_frames
                release.set()
    assert seen == list(range(120))


def test_known_frames_are_a_snapshot(tmp_path):
    path = make_video(tmp_path / "a.mkv")
    with piped(path) as pipe, open_stream(pipe) as reader:
        next(reader.stream(batch_size=10))
        early = reader.index
        kept = early.pts.copy()
        assert 10 <= early.num_frames < 60
        list(reader.stream(10))
        assert np.array_equal(early.pts, kept)
        assert np.array_equal(reader.index.pts[: len(kept)], kept)
        assert reader.index.num_frames == 60
