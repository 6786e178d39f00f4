"""What is no video, or not one all through, is refused by every backend in one line that names it."""

import pytest
from catalog import NO_B, program_after_program
from edits import audio_only, cut
from sample import SIZE, coded, edited
from video_samples import numbers_in, read_luma

from bvas import DecodeError, open_video
from bvas.video.decode.backends import BACKENDS


def text(path):
    path.write_text("this is no video\n" * 100)


def nothing(path):
    path.touch()


def missing(path):
    assert not path.exists()


def cut_in_mdat(source, target):
    data = source.read_bytes()
    target.write_bytes(data[: data.index(b"mdat") + 4])


UNREADABLE = [
    ("missing.mp4", missing, "does not exist"),
    ("a folder", lambda path: path.mkdir(), "is a folder"),
    ("empty.mp4", nothing, "is empty"),
    ("text.mp4", text, "is not a video"),
    ("without-moov.mp4", edited(cut(0, 0.6)), "is not a video"),
    (
        "without-frames.mp4",
        edited(cut_in_mdat, container_options={"movflags": "faststart"}),
        "holds no|is not a video|no frame",
    ),
    ("sound.mp4", audio_only, "holds no video"),
    ("Ton ohne Bild, 音.ts", audio_only, "holds no video"),
]


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize(("name", "make", "reason"), UNREADABLE, ids=[name for name, *_ in UNREADABLE])
def test_what_is_no_video_is_refused_before_any_decoder_is_asked(tmp_path, name, make, reason, backend):
    path = tmp_path / name
    make(path)
    with pytest.raises(DecodeError, match=reason) as caught:
        open_video(path, backend, device="cuda" if backend == "nvdec" else "cpu")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.path == path
    assert caught.value.lost is None


SMALLER = tuple(side // 2 for side in SIZE)
BACKENDS = ["pyav", "opencv", pytest.param("nvdec", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4"])
def test_a_picture_of_another_size_is_an_error_and_frames_of_the_first_size_stay_right(
    tmp_path, name, backend
):
    second = coded(size=SMALLER, first_number=36, num_frames=24, options=NO_B)
    program_after_program(second, options=NO_B)(tmp_path / name)
    try:
        reader = open_video(tmp_path / name, backend, device="cuda" if backend == "nvdec" else "cpu")
    except DecodeError as error:
        refusal = str(error)
        assert backend != "pyav"
        assert 'backend="pyav"' in refusal
        return
    with reader:
        assert reader.info.num_frames == 60
        assert numbers_in(read_luma(reader, range(36))) == list(range(36))
        for outside in ([36], [59], [3, 40]):
            with pytest.raises(DecodeError) as caught:
                read_luma(reader, outside)
            assert caught.value.lost == range(max(outside), max(outside) + 1)
            assert numbers_in(read_luma(reader, [35, 0])) == [35, 0]
