import logging

import av
import numpy as np
import pytest
from video_samples import damage, make_video, numbers_in, picture, read_luma, remux, stream_past_damage

from bvas import DecodeError, open_video
from bvas.video.container.coded_packets import may_skip_nonref
from bvas.video.decode.packet_seek import PacketSource
from bvas.video.decode.pyav_backend import PyavBackend


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.mp4"), ("libx265", "a.mkv")])
def test_skipping_pictures_that_nothing_refers_to_changes_no_pixel_and_saves_work(tmp_path, codec, name):
    options = {"g": "60", "bf": "3", "x265-params": "keyint=60:bframes=4"}
    path = make_video(tmp_path / name, codec=codec, options=options)
    with open_video(path) as lean, open_video(path, on_damage="raise") as whole:
        lean.read([0]), whole.read([0])
        assert lean._opened._may_skip
        assert not whole._opened._may_skip
        for index in range(60):
            assert np.array_equal(read_luma(lean, [index]), read_luma(whole, [index])), index
        read_luma(lean, [0, 59])
        assert lean._opened._run.has_skipped


def test_hevc_of_several_temporal_layers_is_decoded_whole(tmp_path):
    settings = {"codec": "libx265", "num_frames": 20}
    layers = make_video(
        tmp_path / "a.mp4", options={"x265-params": "temporal-layers=3:bframes=7"}, **settings
    )
    plain = make_video(tmp_path / "b.mp4", **settings)
    for path, expected in ((layers, False), (plain, True)):
        with av.open(str(path)) as container:
            assert may_skip_nonref("hevc", container.streams.video[0].codec_context.extradata) is expected
    assert not may_skip_nonref("hevc", None)
    assert not may_skip_nonref("vp9", None)


def test_reading_on_goes_on_decoding_instead_of_seeking(tmp_path, monkeypatch):
    starts = []
    original = PyavBackend._start_at
    monkeypatch.setattr(PyavBackend, "_start_at", lambda self, k: starts.append(k) or original(self, k))
    path = make_video(tmp_path / "a.mp4", num_frames=120, options={"g": "60", "sc_threshold": "0"})
    with open_video(path) as reader:
        list(reader.stream())
        assert starts == [0]
        read_luma(reader, [5])
        read_luma(reader, [20, 40])
        assert starts == [0, 0]
        read_luma(reader, [110])
        assert starts == [0, 0, 1]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv420p10le"])
def test_luma_is_handed_out_as_it_is_stored(tmp_path, pixel_format):
    options = {"qp": "0"}
    with open_video(
        make_video(tmp_path / "a.mp4", num_frames=3, pixel_format=pixel_format, options=options)
    ) as reader:
        assert np.array_equal(read_luma(reader, [2])[0], picture(2))
        assert reader.info.color_range == ("full" if pixel_format == "yuvj420p" else "limited")


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("a.mkv", "ffv1", "bgr0"), ("b.mkv", "ffv1", "gray"), ("c.mov", "png", "rgb24")],
)
def test_a_picture_without_luma_becomes_full_range_gray(tmp_path, name, codec, pixel_format):
    with open_video(
        make_video(tmp_path / name, num_frames=3, codec=codec, pixel_format=pixel_format)
    ) as reader:
        assert reader.info.color_range == "full"
        assert np.abs(read_luma(reader, [2])[0].astype(int) - picture(2)).max() <= 1


def test_a_frame_that_is_not_output_is_lost_and_reading_goes_on_behind_it(tmp_path):
    path = make_video(tmp_path / "a.mp4", options={"bf": "0"})
    damage(path, [17, 18])
    with open_video(path) as reader:
        numbers, lost = stream_past_damage(reader)
        assert lost == [range(17, 19)]
        assert len(numbers) == 58
        with pytest.raises(DecodeError, match=r"frame 17 \(0\.680 s\) of .*a\.mp4") as caught:
            read_luma(reader, [3, 17])
        assert caught.value.lost.start == 17
        assert numbers_in(read_luma(reader, [16, 40])) == [16, 40]


def test_frames_behind_an_error_are_delivered_listed_and_warned_of_once(tmp_path, caplog):
    path = make_video(tmp_path / "a.mp4", options={"bf": "0", "sc_threshold": "0"})
    damage(path, [17])
    with open_video(path) as reader, caplog.at_level(logging.WARNING):
        stream_past_damage(reader)
        assert reader.info.damaged == tuple(range(18, 24))
        assert caplog.text.count("is damaged") == 1
        whole = {i: read_luma(reader, [i])[0] for i in range(60) if i != 17}
    with open_video(path) as other:
        # However they are reached, made-up pictures are the same.
        for i in (20, 18, 40, 23):
            assert np.array_equal(read_luma(other, [i])[0], whole[i])


def test_frames_behind_an_error_are_refused_up_to_the_next_keyframe_where_that_is_asked_for(tmp_path):
    path = make_video(tmp_path / "a.mp4", options={"bf": "0", "sc_threshold": "0"})
    damage(path, [17])
    with open_video(path, on_damage="raise") as reader:
        numbers, lost = stream_past_damage(reader)
        assert lost == [range(17, 18), range(18, 24)]
        assert numbers == [*range(17), *range(24, 60)]
        with pytest.raises(DecodeError, match=r"frame 20 .* on_damage=.deliver. accepts"):
            read_luma(reader, [20])
        assert numbers_in(read_luma(reader, [30])) == [30]


def test_frames_that_a_gradual_refresh_shows_ahead_of_the_first_keyframe_are_read_from_the_first_packet(
    tmp_path,
):
    options = {"x264-params": "intra-refresh=1:keyint=30:bframes=0:scenecut=40"}
    data = make_video(tmp_path / "a.ts", num_frames=120, options=options).read_bytes()
    (tmp_path / "b.ts").write_bytes(data[len(data) // 188 * 5 // 12 * 188 :])
    with open_video(tmp_path / "b.ts") as reader:
        assert reader.index.gradual_refresh
        first_key = int(np.searchsorted(reader.index.pts, reader.index.keyframe_pts[1]))
        numbers, lost = stream_past_damage(reader)
        assert lost == []
        assert numbers == list(range(120 - reader.info.num_frames, 120))
        assert numbers_in(read_luma(reader, [first_key, 0, first_key - 1])) == [
            numbers[first_key],
            numbers[0],
            numbers[first_key - 1],
        ]


def test_a_file_cut_off_at_the_end_is_read_as_far_as_it_goes(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=120, container_options={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with open_video(path) as reader:
        numbers, lost = stream_past_damage(reader)
        assert 40 < reader.info.num_frames < 110
        assert len(numbers) + sum(map(len, lost)) == reader.info.num_frames
        assert numbers[:40] == list(range(40))


def test_a_file_that_changed_since_it_was_indexed_is_noticed(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=60)
    with open_video(path) as reader:
        make_video(path, num_frames=5)
        with pytest.raises(DecodeError, match="if the file changed, open it again"):
            read_luma(reader, [50])


def test_frames_whose_broken_times_come_out_in_mixed_order_are_all_delivered(tmp_path):
    def far_ahead(number, packet):
        if number == 21:
            packet.pts = 1352

    settings = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "lag-in-frames": "0", "g": "12"}}
    path = remux(make_video(tmp_path / "a.webm", **settings), tmp_path / "b.webm", far_ahead)
    with open_video(path) as reader:
        assert not reader.index.decode_order
        numbers, lost = stream_past_damage(reader)
        assert lost == []
        # Frame 21 says that it is to be shown behind frame 33.
        assert numbers == [*range(21), *range(22, 34), 21, *range(34, 60)]
        assert numbers_in(read_luma(reader, [33, 2, 32, 21])) == [21, 2, 33, 22]


def test_a_packet_that_lacks_its_time_behind_a_seek_does_not_stop_the_others(tmp_path, monkeypatch):
    original = PacketSource.next_packet

    def without_time(self):
        packet = original(self)
        if packet is not None and packet.pts == 31 * 512:
            packet.pts = None
        return packet

    path = make_video(tmp_path / "a.mp4", options={"bf": "0"})
    with open_video(path) as reader:
        monkeypatch.setattr(PacketSource, "next_packet", without_time)
        numbers, lost = stream_past_damage(reader)
        assert lost == [range(31, 32)]
        assert numbers == [*range(31), *range(32, 60)]


def test_counted_frames_behind_an_error_are_listed_or_refused_up_to_the_next_keyframe(tmp_path):
    path = make_video(tmp_path / "a.avi", options={"bf": "0", "sc_threshold": "0"})
    damage(path, [17])
    with open_video(path, cache=False) as reader:
        assert reader.index.decode_order
        # One frame is not output, so those behind it are one number lower.
        assert reader.info.num_frames == 59
        stream_past_damage(reader)
        assert reader.info.damaged == tuple(range(17, 23))
        assert numbers_in(read_luma(reader, [16, 23, 58])) == [16, 24, 59]
    with open_video(path, cache=False, on_damage="raise") as reader:
        numbers, lost = stream_past_damage(reader)
        assert lost == [range(17, 23)]
        assert numbers == [*range(17), *range(24, 60)]
