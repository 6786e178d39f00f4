import io
import os

from bvas.system.file_names import ERROR_HANDLER, output_stem, shown_name


def test_undecodable_bytes_are_shown_as_replacement_and_breaks_as_escapes():
    assert shown_name(os.fsdecode(b"half\xff\n1.mp4")) == "half\ufffd\\n1.mp4"
    assert shown_name("Zürich ⚽.mp4") == "Zürich ⚽.mp4"


def test_a_name_in_utf8_is_shown_as_it_is_where_the_system_speaks_ascii():
    assert shown_name("Ημίχρονο 1.mkv".encode().decode("ascii", "surrogateescape")) == "Ημίχρονο 1.mkv"
    assert shown_name(b"\xce\x97\xe4.mkv".decode("ascii", "surrogateescape")) == "\u0397\ufffd.mkv"
    assert shown_name("a\ud800b") == "a\ufffdb"


def test_an_output_keeps_the_name_of_its_file_wherever_it_can():
    for name in ("match", "a:b #1 100% ⚽", "x" * 200):
        assert output_stem(name) == name


def test_long_names_are_cut_between_characters_and_stay_distinct():
    one, other = output_stem("ü" * 120 + "1"), output_stem("ü" * 120 + "2")

    assert one != other
    assert len(one.encode()) in (199, 200)
    assert one.startswith("ü" * 95)
    assert "\ufffd" not in one


def test_names_that_no_text_holds_become_such_that_stay_distinct():
    one, other = output_stem(os.fsdecode(b"a\xff")), output_stem(os.fsdecode(b"a\xfe"))

    assert one != other
    assert one.startswith("a__")
    assert one.isascii()
    assert "\n" not in output_stem("a\nb")


def test_a_stream_of_any_encoding_takes_any_text():
    for encoding, shown in (("utf-8", "\ufffd é"), ("ascii", "? \\xe9"), ("latin-1", "? é")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=ERROR_HANDLER)
        stream.write("\udcff é")
        stream.flush()
        assert stream.buffer.getvalue().decode(encoding) == shown
