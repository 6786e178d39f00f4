import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import av
import pytest

from bvas.errors import ConfigError
from bvas.report.formats.edit_list import EditConfig, edl_text, otio_text
from bvas.report.formats.exported_spots import one_line, spot_text
from bvas.report.formats.sportscode import sportscode_text
from bvas.report.formats.subtitles import MOST_LINES, cues_of, srt_text, vtt_text
from bvas.report.formats.timecode import EDIT_RATES, counts_on, edit_rate, nearest_edit_rate
from bvas.results.frame_times import FrameTimes
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Spot

RATES = ["25", "29.97", "50"]
AWKWARD = [
    "PASS",
    'a, "b"; c',
    "x --> y",
    "<b>bold</b> & <script>",
    "00:00:01,000 --> 00:00:02,000",
    "{\\an8}top",
    "back\\Nslash",
    "&lt;",
    "two\nlines",
    "NOTE Überzahl 日本",
]


def part_of(spots, *, rate=None, duration=6000.0):
    """A part whose video has this rate; without one, no video is known."""
    known = VideoFile(name="match")
    if rate is not None:
        frames = FrameTimes.even(duration, Fraction(rate))
        known = VideoFile(name="match", path=Path("/videos/a b.mp4"), frames=frames)
    return VideoResult(video=known, spots=tuple(spots))


def read_subtitles(text, path):
    """(start, stop, lines) of each subtitle as FFmpeg reads the file."""
    path.write_text(text, encoding="utf-8")
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[0]):
            if packet.size:
                (shown,) = packet.decode()
                lines = shown.dialogue.decode().replace("\u2060", "").split("\n")
                start = packet.pts * packet.time_base
                found.append((float(start), float(start + packet.duration * packet.time_base), lines))
    return found


def srt(part, hold=1.5, **options):
    pytest.importorskip("srt", reason="pip install 'bvas[export]'")
    return srt_text(part, hold, **options)


def vtt(part, hold=1.5):
    pytest.importorskip("webvtt", reason="pip install 'bvas[export]'")
    return vtt_text(part, hold)


@pytest.mark.parametrize("write", [srt, vtt], ids=["srt", "vtt"])
@pytest.mark.parametrize("rate", RATES)
def test_ffmpeg_shows_a_subtitle_while_the_frame_of_its_spot_is_on_screen(tmp_path, write, rate):
    fps = edit_rate(rate).fps
    frames = [0, 1, 100, 101, 100_003]
    part = part_of(Spot("PASS", float(frame / fps), 0.9) for frame in frames)

    shown = read_subtitles(write(part, 0.015), tmp_path / f"a.{write.__name__}")

    assert [int((start + 1e-6) * fps) for start, _, _ in shown if start > 0] == frames[1:]
    assert shown[0][0] == 0


@pytest.mark.parametrize("write", [srt, vtt], ids=["srt", "vtt"])
def test_awkward_labels_reach_the_player_as_they_are(tmp_path, write):
    spots = [Spot(label, 10.0 * number, 0.5) for number, label in enumerate(AWKWARD)]

    shown = read_subtitles(write(part_of(spots)), tmp_path / f"a.{write.__name__}")

    assert len(shown) == len(AWKWARD)
    expected = [f"{one_line(label)} 0.50" for label in AWKWARD]
    if write is srt:
        # SubRip has no way to write braces: players take what is in them for commands.
        expected = [label.replace("{", "(").replace("}", ")") for label in expected]
    else:
        # FFmpeg hands braces on in the escapes of ASS, which PyAV does not undo.
        expected[5], shown[5] = "top 0.50", (*shown[5][:2], [shown[5][2][0][-8:]])
    assert [lines for _, _, lines in shown] == [[text] for text in expected]


@pytest.mark.parametrize("write", [srt, vtt], ids=["srt", "vtt"])
def test_no_spots_give_a_file_without_subtitles(tmp_path, write):
    text = write(part_of([]))
    assert text.strip() in ("", "WEBVTT")


def test_spots_nearer_than_a_subtitle_is_long_share_it():
    spots = [Spot("PASS", 1.0, 0.9), Spot("DRIVE", 1.4, 0.8), Spot("PASS", 9.0, 0.7)]
    cues = cues_of(spots, 1.0)

    assert [(cue.start_ms, cue.stop_ms, [spot.label for spot in cue.spots]) for cue in cues] == [
        (1000, 1400, ["PASS"]),
        (1400, 2000, ["PASS", "DRIVE"]),
        (2000, 2400, ["DRIVE"]),
        (9000, 10000, ["PASS"]),
    ]


def test_of_too_many_spots_at_a_time_the_oldest_give_way_and_each_begins_at_its_time():
    spots = [Spot(f"L{number}", 1.0 + number / 10, 0.5) for number in range(8)]
    spots += [Spot(f"M{number}", 1.75, 0.5) for number in range(6)]
    cues = cues_of(spots, 5.0)

    assert all(cue.stop_ms == after.start_ms for cue, after in pairwise(cues))
    assert max(len(cue.spots) for cue in cues if cue.start_ms < 1750) == MOST_LINES
    first_shown = {}
    for cue in cues:
        for spot in cue.spots:
            first_shown.setdefault(spot, cue.start_ms / 1000)
    assert first_shown == {spot: pytest.approx(spot.seconds, abs=0.001) for spot in spots}


def test_where_sound_comes_first_subtitles_wait_for_the_picture(tmp_path):
    part = part_of([Spot("PASS", 1.0, 0.9)], rate=25)
    assert read_subtitles(srt(part, offset_seconds=0.5), tmp_path / "a.srt")[0][0] == 1.5


def test_a_subtitle_of_no_length_is_refused():
    with pytest.raises(ConfigError, match=r"at least 0\.001 s, got 0"):
        cues_of([], 0)


@pytest.mark.parametrize("rate", EDIT_RATES)
def test_timecodes_are_those_of_opentimelineio(rate):
    otio = pytest.importorskip("opentimelineio", reason="pip install 'bvas[export]'")
    minute = 60 * rate.nominal
    near = [m * minute + offset for m in (0, 1, 2, 9, 10, 11, 60, 600) for offset in range(-40, 3)]
    for frame in (frame for frame in near if frame >= 0):
        time = otio.opentime.RationalTime(frame, float(rate.fps) if rate.drop_frame else rate.nominal)
        assert rate.frame_of(time.to_timecode()) == frame


def test_drop_frame_timecode_follows_the_clock():
    rate = edit_rate("29.97")
    assert [rate.frame_of(text) for text in ("00:00:59;29", "00:01:00;02")] == [1799, 1800]
    assert rate.frame_of("01:00:00;00") == rate.frame_at(3600.0)
    # Ten minutes of it are 18 frames fewer than ten of 30 fps.
    assert rate.frame_of("00:10:00;00") == 18_000 - 18


def test_a_timecode_without_a_semicolon_drops_nothing():
    rate = counts_on(edit_rate("29.97"), "00:01:00:00")
    assert (rate.drop_frame, rate.frame_of("00:01:00:00")) == (False, 1800)
    assert counts_on(edit_rate("29.97"), "00:01:00;02").drop_frame


@pytest.mark.parametrize(
    ("rate", "timecode", "expected"),
    [
        ("25", "1:2:3", "'1:2:3' is not a timecode"),
        ("25", "00:00:00:25", "00:00:00:25 is not a valid timecode at 25 fps"),
        ("29.97", "00:01:00;00", "00:01:00;00 is not a valid timecode at 29.97 fps drop frame"),
        ("25", "00:60:00:00", "00:60:00:00 is not a valid timecode"),
        ("25", "00:00:61:00", "00:00:61:00 is not a valid timecode"),
    ],
)
def test_a_timecode_that_does_not_exist_is_refused(rate, timecode, expected):
    with pytest.raises(ConfigError, match=expected):
        edit_rate(rate).frame_of(timecode)


def test_a_rate_that_editing_programs_do_not_know_goes_to_the_nearest():
    assert nearest_edit_rate(Fraction(30_000, 1001)).name == "29.97"
    assert nearest_edit_rate(Fraction(2997, 100)).name == "29.97"
    assert nearest_edit_rate(Fraction(120)).name == "60"
    assert nearest_edit_rate(Fraction(249, 10)).name == "25"
    with pytest.raises(ConfigError, match=r"no rate '26'; timecodes are at 23\.976, 24"):
        edit_rate("26")


def edit_list(part, write, rate, start="00:00:00:00", **options):
    """Spot and clip frames of a list as OpenTimelineIO reads it: (first frame, frames, first record frame)."""
    otio = pytest.importorskip("opentimelineio", reason="pip install 'bvas[export]'")
    pytest.importorskip("otio_cmx3600_adapter", reason="pip install 'bvas[export]'")
    config = EditConfig(rate=edit_rate(rate), **options)
    if write == "edl":
        counted = float(config.rate.fps) if config.rate.drop_frame else config.rate.nominal
        timeline = otio.adapters.read_from_string(edl_text(part, config), "cmx_3600", rate=counted)
    else:
        timeline = otio.adapters.read_from_string(otio_text(part, config), "otio_json")
    return timeline


@pytest.mark.parametrize("write", ["edl", "otio"])
@pytest.mark.parametrize("rate", RATES)
def test_each_clip_holds_its_spot_after_the_lead(write, rate):
    fps = edit_rate(rate).fps
    frames = [200, 1799, 1800, 5000]
    part = part_of([Spot("PASS", float(frame / fps), 0.9) for frame in frames], rate=fps)

    timeline = edit_list(part, write, rate, lead_seconds=2.0, lag_seconds=1.0)

    lead, lag = round(2 * fps), round(1 * fps)
    clips = list(timeline.tracks[0])
    assert [int(clip.source_range.start_time.value) for clip in clips] == [frame - lead for frame in frames]
    assert {int(clip.source_range.duration.value) for clip in clips} == {lead + lag}


@pytest.mark.parametrize("write", ["edl", "otio"])
def test_a_clip_ends_with_the_video_and_begins_with_it(write):
    part = part_of([Spot("PASS", 0.2, 0.9), Spot("PASS", 9.92, 0.9)], rate=25, duration=10.0)

    ten_hours = 36_000 * 25

    first, last = edit_list(part, write, "25", first_frame=ten_hours).tracks[0]

    assert first.source_range.start_time.value == ten_hours
    assert first.source_range.duration.value == 5 + 75
    assert last.source_range.end_time_exclusive().value == ten_hours + 250


@pytest.mark.parametrize("rate", RATES)
def test_markers_of_an_edl_lie_on_the_frames_of_their_spots(rate):
    fps = edit_rate(rate).fps
    frames = [0, 1, 1, 1800, 17_982]
    labels = ["PASS", "PASS", "DRIVE", "a|b", "PASS"]
    spots = [Spot(label, float(frame / fps), 0.9) for frame, label in zip(frames, labels, strict=True)]

    start = edit_rate(rate).frame_of("01:00:00:00")
    timeline = edit_list(part_of(spots, rate=fps), "edl", rate, markers=True, first_frame=start)

    clips = [clip for clip in timeline.tracks[0] if clip.schema_name() == "Clip"]
    assert [clip.source_range.start_time.value - start for clip in clips] == [0, 1, 1800, 17_982]
    records = [clip.range_in_parent().start_time for clip in clips]
    assert [record.value - records[0].value for record in records] == [0, 1, 1800, 17_982]
    text = edl_text(part_of(spots, rate=fps), EditConfig(rate=edit_rate(rate), markers=True))
    assert "\n |C:ResolveColorBlue |M:DRIVE 0.90" in text or "|M:PASS 0.90, DRIVE 0.90 |D:1" in text
    assert "|M:a/b 0.90 |D:1" in text


@pytest.mark.parametrize("rate", RATES)
def test_markers_of_a_timeline_lie_on_one_clip_of_the_whole_video(rate):
    fps = edit_rate(rate).fps
    spots = [Spot(label, float((100 + 50 * number) / fps), 0.5) for number, label in enumerate(AWKWARD)]

    (clip,) = edit_list(part_of(spots, rate=fps, duration=60.0), "otio", rate, markers=True).tracks[0]

    assert clip.source_range.duration.value == round(60 * fps)
    assert clip.media_reference.target_url == "file:///videos/a%20b.mp4"
    found = [
        (marker.metadata["bvas"]["label"], marker.marked_range.start_time.value) for marker in clip.markers
    ]
    assert found == [(label, 100 + 50 * number) for number, label in enumerate(AWKWARD)]


def test_an_edl_names_the_video_and_says_how_it_counts():
    spot = Spot("HIGH PASS", 10.0, 0.91)
    pytest.importorskip("otio_cmx3600_adapter", reason="pip install 'bvas[export]'")

    text = edl_text(part_of([spot], rate=Fraction(30_000, 1001)), EditConfig(rate=edit_rate("29.97")))

    assert text.startswith("TITLE: match (29.97 fps)\nFCM: DROP FRAME\n\n001  AB")
    assert "* FROM CLIP NAME:  a b.mp4\n" in text
    # The locator is where the spot is in the list itself: three seconds after the first record frame.
    assert "* LOC: 00:00:03;00 BLUE    HIGH PASS 0.91\n" in text
    assert "* COMMENT: HIGH PASS 0.91\n" in text


def test_awkward_labels_break_no_edl():
    pycmx = pytest.importorskip("pycmx", reason="a second reader of edit lists, in the extra dev")
    spots = [Spot(label, 10.0 * number, 0.5) for number, label in enumerate(AWKWARD)]

    for markers in (False, True):
        text = edl_text(part_of(spots, rate=25), EditConfig(rate=edit_rate("25"), markers=markers))
        events = list(pycmx.parse_cmx3600(io.StringIO(text)).events)
        assert [event.number for event in events] == list(range(1, len(AWKWARD) + 1))
        lead = 0 if markers else 3
        starts = [event.edits[0].source_in for event in events]
        seconds = [max(0, 10 * n - lead) for n in range(len(AWKWARD))]
    assert starts == [f"00:{second // 60:02d}:{second % 60:02d}:00" for second in seconds]


@pytest.mark.parametrize("write", ["edl", "otio"])
@pytest.mark.parametrize("markers", [False, True])
@pytest.mark.parametrize("rate", [None, 25])
def test_no_spots_give_an_edit_list_without_events(write, markers, rate):
    timeline = edit_list(part_of([], rate=rate), write, "25", markers=markers)
    assert [clip.markers for track in timeline.tracks for clip in track if clip.markers] == []


def test_instances_of_sportscode_are_read_by_kloppy():
    kloppy = pytest.importorskip("kloppy.infra.serializers.code.sportscode", reason="pip install 'bvas[dev]'")
    spots = [Spot(label, 1.0 + 10 * number, 0.5) for number, label in enumerate(AWKWARD)]
    text = sportscode_text(part_of(spots, rate=25, duration=93.0), 3.0, 5.0)

    codes = (
        kloppy.SportsCodeDeserializer()
        .deserialize(kloppy.SportsCodeInputs(data=io.BytesIO(text.encode())))
        .codes
    )

    assert [code.code for code in codes] == [one_line(label) for label in AWKWARD]
    assert [code.labels["Seconds"] for code in codes] == [spot.seconds for spot in spots]
    starts = [code.timestamp.total_seconds() for code in codes]
    stops = [code.end_timestamp.total_seconds() for code in codes]
    assert starts == [0.0, *(spot.seconds - 3.0 for spot in spots[1:])]
    assert stops == [*(spot.seconds + 5.0 for spot in spots[:-1]), 93.0]


def test_sportscode_has_a_row_of_its_own_color_for_each_label():
    spots = [Spot("PASS", 1.0, 0.5), Spot("DRIVE", 2.0, 0.5), Spot("PASS", 3.0, 0.5)]

    root = ElementTree.fromstring(sportscode_text(part_of(spots), 1.0, 1.0))

    rows = [[row.findtext(name) for name in ("code", "R", "G", "B")] for row in root.find("ROWS")]
    assert [row[0] for row in rows] == ["PASS", "DRIVE"]
    assert rows[0][1:] != rows[1][1:]
    assert all(0 <= int(value) <= 65_535 for row in rows for value in row[1:])
    assert root.findtext("ALL_INSTANCES/instance/end") == "2.000"


def test_what_cannot_be_printed_is_left_out_of_a_line():
    assert one_line(" a\t\n b\x00\x1b c\u2028d ") == "a b c d"
    assert spot_text(Spot("A\nB", 0.0, 0.256)) == "A B 0.26"


def test_times_beyond_the_last_frame_stay_in_the_video():
    part = part_of([Spot("PASS", 10.01, 0.9)], rate=25, duration=10.0)
    (clip,) = edit_list(part, "otio", "25", lag_seconds=0.0, lead_seconds=0.0).tracks[0]
    assert (clip.source_range.start_time.value, clip.source_range.duration.value) == (249, 1)
