"""Transport streams that go on in other packets, and recordings joined byte by byte."""

from pathlib import Path

import numpy as np
import pytest
from stream_sources import frames_of, open_any, piped, served
from transport_samples import joined, make_part, playlist, without_packet
from video_samples import make_video, numbers_in, read_luma

from bvas import DecodeError, open_video
from bvas.video.container.joined_bytes import find_joints
from bvas.video.container.transport_packets import layout_of
from bvas.video.index.video_index import build_index
from bvas.video.live.live_video import LiveVideo

FIRST, SECOND, THIRD = list(range(30)), list(range(100, 130)), list(range(200, 230))


def read_all(source, **options) -> tuple[list[int], list[range]]:
    with open_any(source, on_damage="raise", **options) as reader:
        frames, lost = frames_of(reader)
        assert [index for index, _ in frames] == [
            index for index in range(reader.info.num_frames) if not any(index in part for part in lost)
        ]
        return [number for _, number in frames], lost


@pytest.mark.parametrize("name", ["ts_pid_change.ts", "spliced.ts"])
def test_published_cases_give_all_150_frames_in_order_and_none_is_damaged(shared_data, name):
    expected = [*range(75), *range(100, 175)]
    path = shared_data / "cases" / name
    assert read_all(path) == (expected, [])
    with open_video(path, cache=False) as reader:
        assert reader.info.duration_seconds == pytest.approx(6.0)
        assert numbers_in(read_luma(reader, [149, 74, 75])) == [174, 74, 100]


def test_a_video_that_moves_to_another_pid_is_followed_as_file_pipe_and_address(tmp_path):
    parts = make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "b.ts", 100, pid=0x200, map_pid=0x1100)
    path = joined(tmp_path / "ab.ts", *parts)
    assert read_all(path) == (FIRST + SECOND, [])
    with piped(path) as pipe:
        assert read_all(pipe) == (FIRST + SECOND, [])
    with served(tmp_path) as address:
        assert read_all(f"{address}/ab.ts") == (FIRST + SECOND, [])
    _, info = build_index(path, cache=False)
    assert info.choices == (
        f"from byte {parts[0].stat().st_size + 564} on its video is in other packets "
        "(PID 0x200), and is followed",
    )


def test_a_clock_that_begins_again_goes_on_in_a_stream_as_in_the_file(tmp_path):
    # Both begin at time 0, so the second one's times lie before the end of the first.
    parts = make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "b.ts", 100, pid=0x200, map_pid=0x1100)
    path = joined(tmp_path / "ab.ts", *parts)
    index, _ = build_index(path, cache=False)
    with piped(path) as pipe, LiveVideo(pipe, size=None) as live:
        seconds = [ticks * float(live.time_base) for arrived in live.arrivals() for ticks in arrived.ticks]
    np.testing.assert_allclose(seconds, index.seconds, atol=1e-9)
    assert seconds[-1] == pytest.approx((len(FIRST + SECOND) - 1) / 25)


def test_a_video_that_moves_twice_and_back_is_followed_each_time(tmp_path):
    a, b = make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "b.ts", 100, pid=0x200, map_pid=0x1100)
    c = make_part(tmp_path / "c.ts", 200)
    assert read_all(joined(tmp_path / "all.ts", a, b, c, b)) == (FIRST + SECOND + THIRD + SECOND, [])


def test_with_times_that_go_on_any_frame_is_read_at_random_on_either_side(tmp_path):
    a = make_part(tmp_path / "a.ts", 0)
    b = make_part(tmp_path / "b.ts", 100, pid=0x200, map_pid=0x1100, start=1.28)
    path = joined(tmp_path / "ab.ts", a, b)
    with open_video(path, cache=False, on_damage="raise") as reader:
        assert not reader.index.decode_order
        assert reader.info.duration_seconds == pytest.approx(2.4)
        assert numbers_in(read_luma(reader, [59, 0, 29, 30, 45, 12])) == [129, 0, 29, 100, 115, 12]


def test_pieces_of_a_playlist_are_followed_from_disk_and_over_http(tmp_path):
    a, b = make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "b.ts", 100, pid=0x200, map_pid=0x1100)
    path = playlist(tmp_path / "live.m3u8", a, b, make_part(tmp_path / "c.ts", 200))
    assert read_all(path) == (FIRST + SECOND + THIRD, [])
    with served(tmp_path) as address:
        assert read_all(f"{address}/live.m3u8") == (FIRST + SECOND + THIRD, [])


def test_another_program_that_replaces_the_first_is_followed(tmp_path):
    parts = [make_part(tmp_path / "a.ts", 0)]
    options = {"mpegts_start_pid": "512", "mpegts_pmt_start_pid": "4352", "mpegts_service_id": "9"}
    parts.append(make_video(tmp_path / "b.ts", num_frames=30, first_number=100, container_options=options))
    assert read_all(joined(tmp_path / "ab.ts", *parts)) == (FIRST + SECOND, [])


def test_frames_of_another_codec_are_lost_by_name(tmp_path):
    a = make_part(tmp_path / "a.ts", 0)
    path = joined(tmp_path / "ab.ts", a, make_part(tmp_path / "b.ts", 100, codec="libx265"))
    numbers, lost = read_all(path)
    assert numbers == FIRST
    assert [index for part in lost for index in part] == list(range(30, 60))
    _, info = build_index(path, cache=False)
    assert info.choices[0].startswith("30 frames coded as hevc instead of h264")
    with piped(path) as pipe, pytest.raises(DecodeError, match="changes to hevc"):
        read_all(pipe)


def test_a_joint_is_no_damage_as_file_or_pipe(tmp_path):
    path = joined(tmp_path / "ac.ts", make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "c.ts", 200))
    assert read_all(path) == (FIRST + THIRD, [])
    with piped(path) as pipe:
        assert read_all(pipe) == (FIRST + THIRD, [])


@pytest.mark.parametrize("place", [2, -1])
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_packets_that_are_missing_before_a_joint_are_damage(tmp_path, codec, place):
    a, c = (make_part(tmp_path / f"{first}.ts", first, codec=codec, size=(96, 160)) for first in (0, 200))
    frame = without_packet(a, tmp_path / "loss.ts", place=place)
    with open_video(joined(tmp_path / "ac.ts", tmp_path / "loss.ts", c), cache=False) as reader:
        frames_of(reader)
        assert reader.info.damaged
        assert all(frame - 4 <= number < 30 for number in reader.info.damaged)


def test_a_last_picture_that_was_cut_off_before_a_joint_is_damage(tmp_path):
    # Keyframes only, of several packets each: the last one loses its end.
    a = make_part(tmp_path / "a.ts", 0, size=(96, 160), options={"g": "1", "bf": "0"})
    c = make_part(tmp_path / "c.ts", 200, size=(96, 160))
    (tmp_path / "ac.ts").write_bytes(a.read_bytes()[: -2 * 188] + c.read_bytes())
    with open_video(tmp_path / "ac.ts", cache=False) as reader:
        frames_of(reader)
        assert 29 in reader.info.damaged
        assert max(reader.info.damaged) == 29


def test_packets_of_recorders_with_time_stamps_are_known(tmp_path):
    plain = make_part(tmp_path / "a.ts", 0).read_bytes()
    stamped = b"".join(b"\0\1\2\3" + plain[place : place + 188] for place in range(0, len(plain), 188))
    assert layout_of(plain[:4096]) == (188, 0, 0)
    assert layout_of(stamped[:4096]) == (192, 4, 0)
    assert layout_of(b"\x47" + b"no transport stream" * 100) is None


def test_a_stream_of_one_part_has_no_joints(tmp_path):
    assert find_joints(make_part(tmp_path / "a.ts", 0)) is None
    assert find_joints(Path(__file__)) is None
