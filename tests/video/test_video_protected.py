"""Media that is encrypted, or of which nothing can be decoded: named, with what libav last said."""

import av
import pytest
from stream_sources import piped, served
from video_samples import make_video

from bvas import DecodeError, open_stream, open_video
from bvas.cli import main

KEY = "76a6c65c5ea762046bd749a2e632ccbb"


def make_encrypted(path, **coding):
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": KEY,
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
        **coding.pop("container_options", {}),
    }
    return make_video(path, container_options=options, **coding)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_common_encryption_is_named_as_file_address_and_pipe(tmp_path, codec):
    path = make_encrypted(tmp_path / "a.mp4", codec=codec)
    with pytest.raises(DecodeError, match=r"a\.mp4 is encrypted \(Common Encryption, from 0\.000 s on\)"):
        open_video(path)
    pieces = {"movflags": "frag_keyframe+empty_moov"}
    path = make_encrypted(tmp_path / "b.mp4", codec=codec, container_options=pieces)
    with served(tmp_path) as address, pytest.raises(DecodeError, match="is encrypted"):
        open_stream(f"{address}/b.mp4")
    with piped(path) as pipe, pytest.raises(DecodeError, match="is encrypted"):
        open_stream(pipe)


def test_the_published_encrypted_file_is_named(shared_data, capsys):
    path = shared_data / "cases" / "encrypted_cenc.mp4"
    assert main(["video", "check", str(path)]) == 2
    said = capsys.readouterr().err
    assert "is encrypted" in said
    assert "Traceback" not in said


def test_a_playlist_whose_key_is_not_there_is_named(tmp_path):
    make_video(tmp_path / "a.ts")
    (tmp_path / "a.m3u8").write_text(
        '#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-KEY:METHOD=AES-128,URI="none.key"\n'
        "#EXTINF:2.4,\na.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(DecodeError, match=r"a\.m3u8 .*(key|encrypted)"):
        open_video(tmp_path / "a.m3u8")
    with served(tmp_path) as address, pytest.raises(DecodeError, match=r"(key|encrypted)"):
        open_stream(f"{address}/a.m3u8")


def test_what_libav_last_said_is_part_of_the_error_where_nothing_is_decoded(tmp_path):
    path = make_video(
        tmp_path / "a.mkv", codec="libvpx-vp9", options={"g": "100", "cpu-used": "8", "deadline": "realtime"}
    )
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    data = bytearray(path.read_bytes())
    for packet in packets:
        data[packet.pos + 10 : packet.pos + packet.size] = b"\xff" * (packet.size - 10)
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"it holds 60 packets \(libav: "):
        open_video(path, cache=False)


def test_what_is_cut_off_says_why_libav_cannot_open_it(tmp_path):
    path = make_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:3000])
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"\(libav: moov atom not found\)"):
            open_video(path)
