"""Files that are cut off, or joined byte by byte, are said to be; whole ones are not."""

import struct

import pytest
from stream_sources import piped
from video_samples import make_video

from bvas import DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.commands.console import OK
from bvas.video.index.video_index import build_index

FASTSTART = {"movflags": "faststart"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes a video of 150 frames once, and returns its bytes."""
    folder = tmp_path_factory.mktemp("video")

    def make(name):
        path = folder / name
        if not path.exists():
            options = {"q:v": "3"} if name.endswith((".avi", ".flv")) else {"qp": "14"}
            codec = {"avi": "mpeg4", "flv": "flv"}.get(path.suffix[1:], "libx264")
            make_video(
                path,
                num_frames=150,
                codec=codec,
                options=options,
                container_options=FASTSTART if name.startswith("first") else None,
            )
        return path.read_bytes()

    return make


def remarks_on(path, content):
    path.write_bytes(content)
    return build_index(path, cache=False)[1].choices


JOINED = "another video follows behind its end, at byte"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.mp4", "a.mp4"),
        ("first.mp4", "a.mp4"),
        ("a.mp4", "a.ts"),
        ("first.mp4", "a.mkv"),
        ("a.avi", "a.avi"),
    ],
)
def test_what_lies_behind_the_end_of_a_file_and_is_not_read_is_said(made, tmp_path, first, second):
    head = made(first)
    (line,) = remarks_on(tmp_path / f"b.{first[-3:]}", head + made(second))
    assert f"{JOINED} {len(head)} of {len(head) + len(made(second))}, which is not read" in line
    assert "concat" in line


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_joined_files_that_are_read_whole_are_no_matter(made, tmp_path, name):
    path = tmp_path / f"b{name[1:]}"
    assert not any("behind its end" in line for line in remarks_on(path, made(name) * 2))
    with open_video(path, cache=False) as reader:
        assert reader.info.num_frames == 300


@pytest.mark.parametrize("kind", [b"free", b"uuid", b"skip", b"udta", b"mfra", b"wide"])
def test_boxes_behind_the_video_are_no_matter(made, tmp_path, kind):
    box = struct.pack(">I4s", 24, kind) + b"c2pa" + bytes(12)
    for name in ("a.mp4", "first.mp4"):
        assert remarks_on(tmp_path / "b.mp4", made(name) + box) == ()
        assert remarks_on(tmp_path / "b.mp4", made(name) + bytes(1000)) == ()
        assert remarks_on(tmp_path / "b.mp4", made(name) + b"garbage " * 500) == ()


def test_whole_files_and_fragmented_ones_are_no_matter(made, tmp_path):
    for name in ("a.mp4", "first.mp4", "a.mkv", "a.ts", "a.avi", "a.flv"):
        assert remarks_on(tmp_path / f"b{name[-4:]}", made(name)) == (), name
    path = make_video(
        tmp_path / "c.mp4", num_frames=60, container_options={"movflags": "frag_keyframe+empty_moov"}
    )
    assert build_index(path, cache=False)[1].choices == ()


def test_the_parts_of_a_long_avi_are_no_matter(made, tmp_path):
    # OpenDML goes on in RIFFs of another name.
    part = b"RIFF" + struct.pack("<I", 20) + b"AVIX" + b"LIST" + struct.pack("<I", 8) + b"movi" + bytes(4)
    assert remarks_on(tmp_path / "b.avi", made("a.avi") + part) == ()


@pytest.mark.parametrize("name", ["first.mp4", "a.mkv", "a.avi"])
def test_a_file_that_is_cut_off_is_said_to_be(made, tmp_path, name):
    content = made(name)
    lines = remarks_on(tmp_path / f"b{name[-4:]}", content[: len(content) // 2])
    told = {
        "first.mp4": ["bytes of its mdat box are missing", "its table names 150 frames, and"],
        "a.mkv": ["its header names 6.00 s, and it ends at"],
        "a.avi": ["bytes of its RIFF are missing"],
    }
    assert len(lines) == len(told[name])
    for line, part in zip(lines, told[name], strict=True):
        assert part in line


def test_check_says_it_once_and_the_cache_keeps_it(made, tmp_path, capsys):
    path = tmp_path / "b.mp4"
    path.write_bytes(made("a.mp4") * 2)
    assert main(["video", "check", str(path), "--quiet"]) == OK
    told = capsys.readouterr()
    assert told.err.count(JOINED) == 1
    assert f"note         {JOINED}" in told.out
    assert JOINED in build_index(path)[1].choices[0]


def test_a_pipe_that_ends_before_its_table_does_is_a_named_loss(made, tmp_path):
    path = tmp_path / "b.mp4"
    path.write_bytes(made("first.mp4")[: len(made("first.mp4")) // 2])
    messages, start = [], 0
    with piped(path) as pipe, open_stream(pipe) as reader:
        while True:
            try:
                for first, batch in reader.stream(start):
                    start = first + len(batch)
                break
            except DecodeError as error:
                messages.append(str(error))
                if error.lost is None:
                    break
                start = error.lost.stop
    assert "broke off: its table names 150 frames, and" in messages[-1]
