"""Which frames cuts take: of intervals and of spots, and which files are of which video."""

import json
import math
from fractions import Fraction

import pytest
from export_samples import SPOTS, recording_in, results_in
from task_videos import write_dataset
from video_samples import make_video

from bvas.cutting.clip_names import clip_names, picture_name
from bvas.cutting.cut_list import VideoCut, joined_cuts
from bvas.cutting.interval_cuts import interval_cuts
from bvas.cutting.spot_cuts import spot_cuts
from bvas.cutting.titles import title_of
from bvas.data.interval_files import IntervalFile, IntervalRow, read_interval_file
from bvas.data.soccernet_entries import Notices
from bvas.errors import ConfigError, DataError
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import Interval, Spot
from bvas.video.encode.stretches import SourceVideo
from bvas.video.index.video_index import build_index


def source_of(path):
    index, info = build_index(path)
    return SourceVideo(index=index, info=info)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """100 frames at 25 a second: 4 s."""
    return make_video(tmp_path_factory.mktemp("plan") / "match.mp4", num_frames=100)


def frames_of(video, *rows, **options):
    file = IntervalFile(path=video.with_suffix(".csv"), rows={"": rows})
    return [cut.frames for cut in interval_cuts(file, [source_of(video)], **options)]


def row(start, end, first=None, last=None, label="A", confidence=1.0):
    return IntervalRow(
        interval=Interval(label, start, end, confidence), first_frame=first, last_frame=last, place="line 2"
    )


def test_rounded_times_name_the_frame_boundary_that_is_nearest(video):
    assert frames_of(video, row(1.0, 2.0)) == [range(25, 50)]
    assert frames_of(video, row(1.019, 1.981)) == [range(25, 50)]
    assert frames_of(video, row(1.021, 2.021)) == [range(26, 51)]
    # 29.97 a second, in times with two digits.
    ntsc = make_video(video.with_name("ntsc.mp4"), num_frames=60, rate=Fraction(30000, 1001))
    assert frames_of(ntsc, row(0.33, 1.0)) == [range(10, 30)]


def test_the_end_of_the_video_is_a_boundary_and_a_frame_beyond_it_is_forgiven(video):
    assert frames_of(video, row(3.0, 4.0)) == [range(75, 100)]
    assert frames_of(video, row(3.0, 4.04)) == [range(75, 100)]
    assert frames_of(video, row(3.0, math.inf)) == [range(75, 100)]
    assert frames_of(video, row(0, 0, first=90, last=100)) == [range(90, 100)]


def test_frames_count_where_times_are_there_too(video):
    assert frames_of(video, row(1.0, 2.0, first=5, last=9)) == [range(5, 10)]
    assert frames_of(video, row(math.nan, math.nan, first=5, last=9)) == [range(5, 10)]


def test_less_than_half_a_frame_is_a_frame(video):
    assert frames_of(video, row(1.0, 1.01)) == [range(25, 26)]
    assert frames_of(video, row(3.99, 4.0)) == [range(99, 100)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (row(4.0, 5.0), r"line 2: it starts at 4 s, after the end of match\.mp4 \(4\.000 s\)"),
        (row(3.0, 4.1), r"line 2: it ends at 4\.1 s, after the end of match\.mp4"),
        (row(0, 0, first=100, last=110), "covers frames 100 to 110, and match.mp4 has 100 frames"),
        (row(0, 0, first=90, last=101), "covers frames 90 to 101"),
    ],
)
def test_an_interval_outside_its_video_is_refused(video, wrong, message):
    with pytest.raises(DataError, match=message):
        frames_of(video, wrong)


def test_labels_and_confidence_select(video):
    rows = row(0, 1, label="A", confidence=0.9), row(2, 3, label="B", confidence=0.4)
    assert frames_of(video, *rows, labels=["B"]) == [range(50, 75)]
    assert frames_of(video, *rows, confidence=0.5) == [range(25)]
    with pytest.raises(ConfigError, match="no interval has the label 'C'; there are A, B"):
        frames_of(video, *rows, labels=["C"])
    with pytest.raises(DataError, match=r"no interval of .* has a confidence of 0\.95 or more"):
        frames_of(video, *rows, confidence=0.95)


def parts_of(path, *videos):
    file = read_interval_file(path, Notices())
    return [cut.part for cut in interval_cuts(file, [source_of(video) for video in videos])]


def test_a_video_is_named_by_name_or_stem_in_its_case(tmp_path):
    one, two = (make_video(tmp_path / f"{name}.mp4", num_frames=50) for name in ("one", "two"))
    table = tmp_path / "i.csv"
    table.write_text("video,start_seconds,end_seconds\ntwo.mp4,0,1\none,0,1\nC:\\clips\\two.mp4,1,2\n")
    with pytest.raises(ConfigError, match="not clear which are of"):
        parts_of(table, one, two)
    table.write_text("video,start_seconds,end_seconds\ntwo.mp4,0,1\none,0,1\nthree.mp4,5,9\n")
    assert parts_of(table, one, two) == [0, 1]
    assert parts_of(table, two) == [0]
    table.write_text("video,start_seconds,end_seconds\nONE.mp4,0,1\nthree.mp4,0,1\n")
    with pytest.raises(
        DataError, match=r"holds intervals of ONE\.mp4, three\.mp4, not of one\.mp4, two\.mp4"
    ):
        parts_of(table, one, two)


def test_a_file_without_intervals_is_refused(tmp_path, video):
    (tmp_path / "i.csv").write_text("start_seconds,end_seconds\n")
    with pytest.raises(DataError, match="holds no interval"):
        parts_of(tmp_path / "i.csv", video)


def test_a_file_without_names_is_of_the_one_video(tmp_path):
    one, two = (make_video(tmp_path / f"{name}.mp4", num_frames=50) for name in ("one", "two"))
    table = tmp_path / "i.csv"
    table.write_text("start_seconds,end_seconds\n0,1\n")
    assert parts_of(table, one) == [0]
    with pytest.raises(ConfigError, match="line 2 names no video, and 2 are given"):
        parts_of(table, one, two)
    table.write_text("video,start_seconds,end_seconds\none.mp4,0,1\n,1,2\n")
    with pytest.raises(ConfigError, match="line 3 names no video, and others do; name the video of each"):
        parts_of(table, one)


def test_two_videos_of_one_name_are_told_by_their_place_or_refused(tmp_path):
    halves = []
    for match in ("a", "b"):
        (tmp_path / match).mkdir()
        halves.append(make_video(tmp_path / match / "1.mp4", num_frames=50))
    annotations = [{"label": "PASS", "from_frame": 10, "to_frame": 20}]
    matches = [
        {"name": match, "videos": [f"{match}/1.mp4"], "annotations": annotations} for match in ("a", "b")
    ]
    write_dataset(tmp_path, matches, format="bvas-dataset-2")
    assert parts_of(tmp_path / "dataset.json", *halves) == [0, 1]
    (tmp_path / "i.csv").write_text("video,start_seconds,end_seconds\n1.mp4,0,1\n")
    with pytest.raises(ConfigError, match="videos of different names"):
        parts_of(tmp_path / "i.csv", *halves)


def write_spots(folder, spots):
    folder.mkdir()
    write_results(folder / RESULTS_NAME, folder.name, spots, rate=25)
    return folder


def spots_of(path, *videos, before=0.4, after=0.2, **options):
    cuts, _ = spot_cuts(path, [source_of(one) for one in videos], before=before, after=after, **options)
    return [(cut.part, cut.frames, cut.labels) for cut in cuts]


def test_a_spot_is_cut_from_before_to_after_within_its_video(tmp_path, video):
    spots = [Spot("GOAL", 0.2, 0.9), Spot("PASS", 2.0, 0.5), Spot("GOAL", 3.92, 0.3), Spot("GOAL", 1.0, 0.1)]
    folder = write_spots(tmp_path / "match", {1: spots})

    # The last one lies below the operating point, 0.2.
    assert spots_of(folder, video) == [
        (0, range(10), ("GOAL",)),
        (0, range(40, 55), ("PASS",)),
        (0, range(88, 100), ("GOAL",)),
    ]
    assert spots_of(folder, video, labels=["PASS"]) == [(0, range(40, 55), ("PASS",))]
    assert len(spots_of(folder, video, confidence=0.05)) == 4
    assert spots_of(folder, video, before=0, after=0, labels=["PASS"]) == [(0, range(50, 51), ("PASS",))]
    with pytest.raises(ConfigError, match="no spot has the label 'CORNER'; there are GOAL, PASS"):
        spots_of(folder, video, labels=["CORNER"])
    with pytest.raises(DataError, match=r"has no spot of PASS at or above 0\.8"):
        spots_of(folder, video, labels=["PASS"], confidence=0.8)
    with pytest.raises(ConfigError, match="finite and not negative, got -1"):
        spots_of(folder, video, before=-1)


def test_several_videos_are_the_parts_in_order_and_one_is_found_by_its_name(tmp_path):
    halves = [make_video(tmp_path / f"{half}_112p.mp4", num_frames=50) for half in (1, 2)]
    folder = write_spots(tmp_path / "match", {1: [Spot("GOAL", 1.0, 0.9)], 2: [Spot("GOAL", 1.2, 0.9)]})
    assert [part for part, *_ in spots_of(folder, *halves)] == [0, 1]
    with pytest.raises(ConfigError, match="called like none of them"):
        spots_of(folder, halves[1])
    named = tmp_path / "named.csv"
    named.write_text(
        f"seconds,label,confidence,part,file\n1,GOAL,1,1,{halves[0]}\n1.2,GOAL,1,2,{halves[1]}\n"
    )
    assert spots_of(named, halves[1]) == [(0, range(20, 35), ("GOAL",))]
    third = write_spots(tmp_path / "three", {3: [Spot("GOAL", 1.0, 0.9)]})
    with pytest.raises(ConfigError, match="has spots of part 3, and 2 videos are given"):
        spots_of(third, *halves)


def test_a_folder_of_a_recording_has_its_operating_points_and_names_its_videos(tmp_path):
    videos = [make_video(tmp_path / f"{name}.mp4", num_frames=60) for name in ("one", "two", "other")]
    results_in(tmp_path / "spots", SPOTS, [Spot("PASS", 1.0, 0.95)])
    recording_in(tmp_path / "spots", videos[:2], operating_point=0.6)

    assert spots_of(tmp_path / "spots", *videos[:2]) == [
        (0, range(15), ("PASS",)),
        (1, range(15, 30), ("PASS",)),
    ]
    # One part is found by its name; the other is not missed.
    assert spots_of(tmp_path / "spots", videos[1]) == [(0, range(15, 30), ("PASS",))]
    # Of the labels of the model, one does not occur at this point.
    with pytest.raises(DataError, match="no spot of DRIVE at or above its operating point"):
        spots_of(tmp_path / "spots", *videos[:2], labels=["DRIVE"])
    with pytest.raises(DataError, match=r"holds spots of two\.mp4, not of other\.mp4"):
        spots_of(tmp_path / "spots", videos[0], videos[2])
    moved = videos[0].rename(tmp_path / "moved.mp4")
    with pytest.raises(DataError, match=r"holds spots of one\.mp4, not of moved\.mp4.*needs its old name"):
        spots_of(tmp_path / "spots", moved, videos[1])


def test_spots_of_another_video_or_unit_are_refused(tmp_path, video):
    (tmp_path / "a.csv").write_text("seconds,label,confidence,file\n1,GOAL,1,other.mp4\n")
    with pytest.raises(DataError, match=r"holds spots of other\.mp4, not of match\.mp4"):
        spots_of(tmp_path / "a.csv", video)
    (tmp_path / "b.csv").write_text("seconds,label,confidence\n1000,GOAL,1\n2000,GOAL,1\n")
    with pytest.raises(DataError, match="these are milliseconds"):
        spots_of(tmp_path / "b.csv", video)


def cut_at(video, start, stop, label, moment=None):
    moment = start / 25 if moment is None else moment
    return VideoCut(part=0, source=video, frames=range(start, stop), moment_seconds=moment, labels=(label,))


def test_joined_cuts_keep_the_moment_of_the_first_and_each_label_once(video):
    source = source_of(video)
    cuts = [cut_at(source, 50, 60, "B"), cut_at(source, 10, 20, "A"), cut_at(source, 20, 30, "B")]
    cuts.append(cut_at(source, 12, 14, "A"))

    first, second = joined_cuts(cuts)

    assert (first.frames, first.labels, first.moment_seconds) == (range(10, 30), ("A", "B"), 0.4)
    assert second.frames == range(50, 60)
    assert [one.frames.start for one in joined_cuts(cuts, keep_overlaps=True)] == [10, 12, 20, 50]


def test_names_and_titles_say_label_and_time(video):
    source = source_of(video)
    cuts = [
        cut_at(source, 0, 5, "GOAL", 983.0),
        cut_at(source, 0, 5, "../Ball out: (left)", 16.9999999),
        cut_at(source, 0, 5, "Größe", 5405.0),
        cut_at(source, 0, 5, "", 0.5),
    ]
    assert clip_names(cuts) == [
        "001_GOAL_16m23s.mp4",
        "002_Ball_out_left_0m17s.mp4",
        "003_Größe_90m05s.mp4",
        "004_0m00s.mp4",
    ]
    assert clip_names(cuts[:1] * 1000)[0] == "0001_GOAL_16m23s.mp4"
    assert title_of(cuts[0], with_name=False) == "GOAL · 16:23"
    assert title_of(cuts[3], with_name=True) == "0:00 · match.mp4"
    assert (picture_name(25, 1000, ".png"), picture_name(25, 1001, ".jpg")) == ("025.png", "0025.jpg")


def test_a_file_of_spots_is_not_one_of_intervals(tmp_path):
    path = tmp_path / RESULTS_NAME
    path.write_text(json.dumps({"predictions": []}))
    with pytest.raises(DataError, match="it holds spots"):
        read_interval_file(path, Notices())
