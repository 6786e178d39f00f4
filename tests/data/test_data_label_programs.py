"""Label Studio and FiftyOne: what is exported comes back with its frames and labels."""

import copy
import importlib
import json
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from video_samples import make_video

from bvas.cli import main
from bvas.data.importing.from_label_studio import read_label_studio
from bvas.data.interval_files import intervals_json
from bvas.experiment.peak_config import PeakConfig
from bvas.results.recording import Recording
from bvas.results.store import INTERVALS_NAME, RESULTS_NAME, write_recording, write_results
from bvas.results.video_result import VideoFile
from bvas.values.annotations import Interval, LabelSet, Spot

LABELS = ("PASS", 'a "b" <c> & d', "never")
FORMATS = ["label-studio", "fiftyone"]


def _export(source, form, out, *options):
    return main(["spots", "export", str(source), "--to", form, "--out", str(out), *map(str, options)])


def _import(source, out, *options):
    return main(["data", "import", str(source), "--out", str(out), "--quiet", *map(str, options)])


def _annotations(root):
    """Name of each match, and its annotations as `dataset.json` holds them."""
    dataset = json.loads((root / "dataset.json").read_text())
    return {
        match["name"]: json.loads((root / match["annotations"]).read_text())["annotations"]
        for match in dataset["matches"]
    }


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """One of 25 frames per second, one of 29.97; the name of the first has what addresses escape."""
    folder = tmp_path_factory.mktemp("videos")
    return [
        make_video(folder / "first half, 100%.mp4", num_frames=50),
        make_video(folder / "second.mp4", num_frames=60, rate=Fraction(30000, 1001)),
    ]


@pytest.fixture
def spots(tmp_path, videos):
    """Spots of both videos, on frames 0, 10, 49 and 31, and one below the operating point."""
    folder = tmp_path / "final"
    folder.mkdir()
    first = [
        Spot("PASS", 0.0, 0.9),
        Spot(LABELS[1], 0.4, 0.5),
        Spot("PASS", 1.0, 0.1),
        Spot("PASS", 1.96, 1.0),
    ]
    write_results(
        folder / RESULTS_NAME, "final", {1: first, 2: [Spot("PASS", 31 * 1001 / 30000, 0.7)]}, rate=1000
    )
    _record(folder, videos)
    return folder


@pytest.fixture
def intervals(tmp_path, videos):
    """Intervals of frames 5 to 9, 10 alone, and 40 to the last."""
    folder = tmp_path / "play"
    folder.mkdir()
    name = _record(folder, videos[:1])
    found = [
        Interval("PASS", 0.2, 0.4, 0.25),
        Interval("PASS", 0.4, 0.44, 0.5),
        Interval("never", 1.6, 2.0, 1.0),
    ]
    (folder / INTERVALS_NAME).write_text(json.dumps(intervals_json({name: found})))
    return folder


def _record(folder, videos):
    parts = tuple(
        VideoFile(number=number, name=video.stem, path=video, begin_seconds=2.0 * (number - 1))
        for number, video in enumerate(videos, 1)
    )
    peaks = PeakConfig(operating_point=0.2)
    recording = Recording(
        experiment="tiny", labels=LabelSet(LABELS), peaks=peaks, kickoff_seconds=0.0, parts=parts
    )
    write_recording(folder, recording)
    return parts[0].name


def _annotated(tasks):
    """Tasks as Label Studio exports them when every prediction was submitted as it is."""
    tasks = copy.deepcopy(tasks)
    for number, task in enumerate(tasks, 1):
        results = task["predictions"][0]["result"]
        for result in results:
            del result["score"]
            result["origin"] = "prediction"
        entry = {"id": number, "completed_by": 1, "was_cancelled": False, "result": results}
        task |= {"id": number, "annotations": [entry], "predictions": [], "project": 1}
    return tasks


def test_label_studio_counts_frames_from_one_and_knows_the_rate(spots, tmp_path, videos, capsys):
    out = tmp_path / "tasks.json"
    assert _export(spots, "label-studio", out) == 0
    assert capsys.readouterr().out == f"4 spots in {out}\n"
    first, second = json.loads(out.read_text())
    assert first["data"]["fps"] == 25.0
    assert abs(second["data"]["fps"] - 30000 / 1001) < 1e-9
    folder = videos[0].parent.as_posix().lstrip("/")
    assert first["data"]["video"] == f"/data/local-files/?d={folder}/first%20half%2C%20100%25.mp4"
    assert (second["data"]["match"], second["data"]["part"]) == ("final", 2)
    results = first["predictions"][0]["result"]
    assert [(one["value"], one["score"]) for one in results] == [
        ({"ranges": [{"start": 1, "end": 1}], "timelinelabels": ["PASS"]}, 0.9),
        ({"ranges": [{"start": 11, "end": 11}], "timelinelabels": [LABELS[1]]}, 0.5),
        ({"ranges": [{"start": 50, "end": 50}], "timelinelabels": ["PASS"]}, 1.0),
    ]
    config = ElementTree.parse(tmp_path / "tasks_config.xml").getroot()
    assert [label.get("value") for label in config.iter("Label")] == list(LABELS)
    assert config.find("Video").get("frameRate") == "$fps"


def test_fiftyone_has_class_numbers_and_inclusive_frames_from_one(spots, tmp_path, videos):
    out = tmp_path / "labels.json"
    assert _export(spots, "fiftyone", out) == 0
    assert json.loads(out.read_text()) == {
        "classes": list(LABELS),
        "labels": {
            str(videos[0]): [
                {"label": 0, "support": [1, 1], "confidence": 0.9},
                {"label": 1, "support": [11, 11], "confidence": 0.5},
                {"label": 0, "support": [50, 50], "confidence": 1.0},
            ],
            str(videos[1]): [{"label": 0, "support": [32, 32], "confidence": 0.7}],
        },
    }


def test_spots_come_back_from_label_studio_as_parts_of_their_match(spots, tmp_path):
    assert _export(spots, "label-studio", tmp_path / "tasks.json") == 0
    tasks = _annotated(json.loads((tmp_path / "tasks.json").read_text()))
    # The newest task stands first in an export.
    (tmp_path / "export.json").write_text(json.dumps(tasks[::-1]))
    assert _import(tmp_path / "export.json", tmp_path / "root") == 0
    assert _annotations(tmp_path / "root") == {
        "final": [
            {"part": 1, "frame": 0, "label": "PASS"},
            {"part": 1, "frame": 10, "label": LABELS[1]},
            {"part": 1, "frame": 49, "label": "PASS"},
            {"part": 2, "frame": 31, "label": "PASS"},
        ]
    }
    assert main(["data", "check", str(tmp_path / "root"), "--quiet"]) == 0


def test_spots_come_back_from_fiftyone_as_a_match_for_each_video(spots, tmp_path, videos):
    assert _export(spots, "fiftyone", tmp_path / "labels.json") == 0
    assert _import(tmp_path / "labels.json", tmp_path / "root") == 0
    assert _annotations(tmp_path / "root") == {
        videos[0].stem: [
            {"frame": 0, "label": "PASS"},
            {"frame": 10, "label": LABELS[1]},
            {"frame": 49, "label": "PASS"},
        ],
        "second": [{"frame": 31, "label": "PASS"}],
    }


@pytest.mark.parametrize("form", FORMATS)
def test_intervals_come_back_with_their_first_and_last_frame(intervals, tmp_path, form, videos):
    assert _export(intervals, form, tmp_path / "a.json") == 0
    assert _import(tmp_path / "a.json", tmp_path / "root") == 0
    (found,) = _annotations(tmp_path / "root").values()
    # One frame alone is a range here, as others of its label are longer.
    assert found == [
        {"from_frame": 5, "to_frame": 10, "label": "PASS"},
        {"from_frame": 10, "to_frame": 11, "label": "PASS"},
        {"from_frame": 40, "to_frame": 50, "label": "never"},
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_without_the_video_there_are_no_frames_to_count(tmp_path, form, capsys):
    write_results(tmp_path / RESULTS_NAME, "m", {1: [Spot("PASS", 1.0, 0.9)]}, rate=25)
    assert _export(tmp_path / RESULTS_NAME, form, tmp_path / "a.json") == 2
    assert "name it with --video" in capsys.readouterr().err
    assert not (tmp_path / "a.json").exists()


def _task(video, *results, **more):
    held = [{"value": value, "type": "timelinelabels"} for value in results]
    return {"id": 7, "data": {"video": video, "fps": 25}, "annotations": [{"result": held}]} | more


def _value(start, end, *labels):
    return {"ranges": [{"start": start, "end": end}], "timelinelabels": list(labels or ["PASS"])}


def _read(tmp_path, videos, *tasks):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    return read_label_studio(path, videos[0].parent)


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/3/0a1b2c3d-second.mp4",
        "s3://bucket/folder/second.mp4",
        "https://user:secret@example.com/second.mp4?token=secret",
        "/data/local-files/?d=far/away/second.mp4",
    ],
)
def test_a_video_is_found_by_the_name_in_its_address(tmp_path, videos, address):
    found = _read(tmp_path, videos, _task(address, _value(1, 3), data={"clip": address, "note": "a.txt"}))
    assert found.faults == ()
    assert [match.videos for match in found.matches] == [[videos[1]]]
    missing = _read(tmp_path, videos, _task(address.replace("second", "third"), _value(1, 3)))
    assert "third.mp4" in str(missing.faults[0])
    assert "secret" not in str(missing.faults[0])


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (
            _task("second.mp4", data={"v": "second.mp4", "fps": "30"}),
            "counts frames at 30 per second, and second.mp4 has 29.97",
        ),
        (_task("second.mp4", _value(1, 3)), "counts frames at 25 per second, and second.mp4 has 29.97"),
        (_task("second.mp4", _value(0, 3), data={"v": "second.mp4"}), "holds frames 0 to 3"),
        (_task("second.mp4", _value(3, 2), data={"v": "second.mp4"}), "holds frames 3 to 2"),
        (_task("second.mp4", _value(1.5, 2), data={"v": "second.mp4"}), "holds frames 1.5 to 2"),
        (_task("", data={"a": "a.mp4", "b": "b.mp4"}), "must name one video"),
        (
            _task("", data={"v": "second.mp4"}, annotations=[{"result": []}, {"result": []}]),
            "task 7: has 2 annotations; keep one",
        ),
    ],
)
def test_what_cannot_be_read_is_a_fault(tmp_path, videos, task, message):
    found = _read(tmp_path, videos, task)
    assert len(found.faults) == 1
    assert message in str(found.faults[0])


def test_cancelled_annotations_are_skipped_and_a_task_without_any_has_no_labels(tmp_path, videos, caplog):
    results = [
        {"value": _value(4, 4, "PASS", "SHOT"), "type": "timelinelabels"},
        {"value": {"choices": ["x"]}},
    ]
    lists = [{"was_cancelled": True, "result": []}, {"result": results}]
    tasks = [
        {"data": {"video": "second.mp4"}, "annotations": lists},
        {"data": {"video": "first half, 100%.mp4"}, "annotations": []},
    ]
    found = _read(tmp_path, videos, *tasks)
    assert found.faults == ()
    assert found.labels == ("PASS", "SHOT")
    assert [
        None if match.annotations is None else [(one.frame, one.label) for one in match.annotations]
        for match in found.matches
    ] == [[(3, "PASS"), (3, "SHOT")], None]
    assert "1 result not of TimelineLabels left out" in caplog.text
    assert "Label Studio assumes 24" in caplog.text


def test_fiftyones_own_folder_is_read_with_names_without_suffixes(tmp_path, videos):
    folder = tmp_path / "exported"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "b.1.mp4").write_bytes(videos[1].read_bytes())
    labels = {"b.1": [{"label": "PASS", "support": [2, 4], "confidence": None}], "none": None}
    (folder / "labels.json").write_text(json.dumps({"classes": None, "labels": labels}))
    (folder / "data.json").write_text(json.dumps({"none": str(videos[0])}))
    assert _import(folder, tmp_path / "root") == 0
    matches = json.loads((tmp_path / "root" / "dataset.json").read_text())["matches"]
    assert [(match["name"], "annotations" in match) for match in matches] == [
        ("b.1", True),
        (videos[0].stem, False),
    ]
    assert _annotations_of(tmp_path / "root", "b.1") == [{"from_frame": 1, "to_frame": 4, "label": "PASS"}]


def _annotations_of(root, name):
    return json.loads((root / "annotations" / f"{name}.json").read_text())["annotations"]


@pytest.mark.parametrize(
    ("detection", "message"),
    [
        ({"label": 5, "support": [1, 2]}, "label 5 is neither a name nor a number of 'classes'"),
        ({"label": 0, "timestamps": [0.0, 1.0]}, "needs 'support'"),
        ({"label": 0, "support": [0, 2]}, "holds frames 0 to 2"),
        ({"label": 0, "support": [2]}, "they are whole numbers"),
    ],
)
def test_a_wrong_detection_is_a_fault(tmp_path, videos, capsys, detection, message):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"classes": ["PASS"], "labels": {str(videos[0]): [detection]}}))
    assert _import(path, tmp_path / "root") == 2
    assert message in capsys.readouterr().err


def test_label_studios_own_package_accepts_tasks_and_config(spots, intervals, tmp_path):
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    for source in (spots, intervals):
        assert _export(source, "label-studio", tmp_path / "tasks.json", "--overwrite") == 0
        config = interface.LabelInterface((tmp_path / "tasks_config.xml").read_text())
        config.validate()
        for task in json.loads((tmp_path / "tasks.json").read_text()):
            # With predictions it calls itself wrongly (2.1.2).
            assert config.validate_task({"data": task["data"]}) is True
            assert config.validate_prediction(task["predictions"][0], return_errors=True) == []


def test_fiftyones_own_package_reads_the_same_frames_and_labels(spots, tmp_path, videos):
    pytest.importorskip("fiftyone")
    importers = importlib.import_module("fiftyone.utils.data.importers")
    assert _export(spots, "fiftyone", tmp_path / "labels.json") == 0
    reader = importers.FiftyOneTemporalDetectionDatasetImporter(labels_path=str(tmp_path / "labels.json"))
    reader.setup()
    found = {
        path: [(one.label, list(one.support), one.confidence) for one in label.detections]
        for path, _, label, _ in reader
    }
    assert found == {
        str(videos[0]): [("PASS", [1, 1], 0.9), (LABELS[1], [11, 11], 0.5), ("PASS", [50, 50], 1.0)],
        str(videos[1]): [("PASS", [32, 32], 0.7)],
    }
    exporters = importlib.import_module("fiftyone.utils.data.exporters")
    writer = exporters.FiftyOneTemporalDetectionDatasetExporter(
        export_dir=str(tmp_path / "its"), export_media="symlink", classes=list(LABELS)
    )
    with writer:
        for path, _, label, _ in reader:
            writer.export_sample(path, label, None)
    for source, root in ((tmp_path / "labels.json", "a"), (tmp_path / "its", "b")):
        assert _import(source, tmp_path / root) == 0
    # It changes the names of files.
    first, second = (list(_annotations(tmp_path / root).values()) for root in ("a", "b"))
    assert first == second
