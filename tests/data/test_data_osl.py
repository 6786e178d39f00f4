"""OSL JSON: read as annotations and as spots, written, and scored as the files that it was made of."""

import json

import pytest
from task_videos import write_video

from bvas.cli import main
from bvas.data.dataset_json import read_annotations, read_dataset
from bvas.data.osl_json import parse_osl
from bvas.data.soccernet_entries import Notices
from bvas.data.spot_files import read_spot_file
from bvas.errors import ConfigError
from bvas.results.store import RESULTS_NAME, write_results
from bvas.values.annotations import Spot

EVENTS = [
    {"head": "action", "label": "pass", "position_ms": 680, "gameTime": "1 - 00:00"},
    {"head": "action", "label": "shot", "position_ms": "1480.0", "gameTime": "1 - 00:01"},
]


def osl(*samples, labels=("pass", "shot"), **more):
    return {
        "version": "2.0",
        "labels": {"action": {"type": "single_label", "labels": list(labels)}},
        **more,
    } | {"data": list(samples)}


def sample(path="clips/a.mp4", events=EVENTS, **more):
    return {"id": "a", "inputs": [{"type": "video", "path": path, "fps": 25.0}], "events": events, **more}


def parsed(content, tmp_path, **options):
    faults = []
    found = parse_osl(content, tmp_path / "a.json", faults, **options)
    return found, [str(fault) for fault in faults]


def moments(found):
    return [(event.label, event.seconds) for one in found.samples for event in one.events]


def imported(tmp_path, content, *options):
    (tmp_path / "osl.json").write_text(json.dumps(content))
    code = main(
        ["data", "import", str(tmp_path / "osl.json"), "--out", str(tmp_path / "out"), "--quiet", *options]
    )
    if code:
        return code, []
    dataset, faults = read_dataset(tmp_path / "out/dataset.json")
    assert not faults
    matches = []
    for match in dataset.matches:
        items = () if match.annotations is None else read_annotations(match)[0].items
        matches.append((match.name, len(match.videos), [(i.part, i.label, i.seconds) for i in items]))
    return list(dataset.labels), matches


@pytest.mark.parametrize("path", ["clips/a.mp4", "clips\\a.mp4", "/other/machine/a.mp4", "D:\\league\\a.mp4"])
def test_a_sample_becomes_a_match_whatever_system_wrote_its_path(tmp_path, path):
    write_video(tmp_path / "clips/a.mp4")
    write_video(tmp_path / "a.mp4")
    labels, matches = imported(tmp_path, osl(sample(path)))
    assert labels == ["pass", "shot"]
    assert [(count, events) for _, count, events in matches] == [(1, [(1, "pass", 0.68), (1, "shot", 1.48)])]


def test_halves_are_parts_of_one_match_and_a_sample_without_events_is_a_challenge(tmp_path):
    for name in ("l/m/2_720p.mp4", "l/m/1_720p.mp4", "c.mp4"):
        write_video(tmp_path / name)
    second = sample("l/m/2_720p.mp4", [{"label": "shot", "position_ms": 40}])
    challenge = {"id": "c", "inputs": [{"type": "video", "path": "c.mp4"}]}
    _, matches = imported(tmp_path, osl(second, sample("l/m/1_720p.mp4"), challenge))
    assert matches == [("l/m", 2, [(1, "pass", 0.68), (1, "shot", 1.48), (2, "shot", 0.04)]), ("c", 1, [])]


def test_all_that_is_wrong_is_listed_and_nothing_is_written(tmp_path, capsys):
    write_video(tmp_path / "a.mp4")
    events = [
        {"label": "goal", "position_ms": 0},
        {"label": "pass", "position_ms": -1},
        {"label": "pass"},
        {"label": 3, "position_ms": 1},
        "pass",
    ]
    assert imported(tmp_path, osl(sample("a.mp4", events), sample("gone.mp4"), sample("a.mp4")))[0] == 2
    told = capsys.readouterr().err
    for message in (
        "sample 0, event 0: label 'goal' is not declared for head 'action': pass, shot",
        "sample 0, event 1: 'position_ms' must be milliseconds from 0 up, got -1",
        "sample 0, event 2: needs 'position_ms'",
        "sample 0, event 3: needs 'label', a name, got 3",
        "sample 0, event 4: must be an object",
        "sample 1: no video gone.mp4",
        "sample 2: is half 1 of match 'a', as sample 0 is",
        "nothing was written: 7 faults",
    ):
        assert message in told
    assert not (tmp_path / "out").exists()


def test_a_file_without_events_and_labels_is_refused_by_its_task(tmp_path, capsys):
    write_video(tmp_path / "a.mp4")
    clip = {"id": "a", "inputs": [{"path": "a.mp4"}], "captions": [{"lang": "en", "text": "A pass."}]}
    assert imported(tmp_path, osl(clip, task="video_captioning"))[0] == 2
    assert "no sample has 'events' (its task is video_captioning)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "labels",
    [
        {"action": {"type": "single_label", "labels": ["shot", "pass"]}},
        {"action": ["shot", "pass"]},
        {"action": {"labels": {"pass": 1, "shot": 0}}},
        {"action": {"labels": {"0": "shot", "1": "pass"}}},
        ["shot", "pass"],
    ],
)
def test_labels_are_declared_as_a_list_or_an_object(tmp_path, labels):
    found, faults = parsed({"version": "2.0", "labels": labels, "data": [sample()]}, tmp_path)
    assert (found.labels, faults) == (("shot", "pass"), [])


def test_without_declared_labels_those_that_occur_count(tmp_path):
    found, faults = parsed({"version": "2.0", "data": [{"inputs": "a.mp4", "events": EVENTS}]}, tmp_path)
    assert (found.labels, found.samples[0].path, faults) == (("pass", "shot"), "a.mp4", [])


def test_the_events_of_one_head_are_read_and_the_others_are_said(tmp_path, caplog):
    events = [*EVENTS, {"head": "team", "label": "left", "position_ms": 1}]
    content = osl(sample(events=events))
    content["labels"]["team"] = {"labels": ["left", "right"]}
    assert moments(parsed(content, tmp_path)[0]) == [("pass", 0.68), ("shot", 1.48)]
    assert "events of head action are read (2); other heads are ignored: team (1)" in caplog.text
    assert moments(parsed(content, tmp_path, head="team")[0]) == [("left", 0.001)]
    with pytest.raises(ConfigError, match="no head 'x'; known are action, team"):
        parsed(content, tmp_path, head="x")


def test_the_first_video_of_several_inputs_is_read_and_the_others_are_said(tmp_path, caplog):
    inputs = [{"type": "tracking_parquet", "path": "a.parquet"}]
    inputs += [{"type": "video", "path": f"{view}/a.mp4"} for view in ("wide", "close")]
    found, _ = parsed(osl({"inputs": inputs, "events": EVENTS}), tmp_path)
    assert found.samples[0].path == "wide/a.mp4"
    assert "the first of 2 videos is read, wide/a.mp4; others are close/a.mp4" in caplog.text


def test_times_fall_back_to_position_and_game_time_and_labels_may_be_several(tmp_path):
    events = [
        {"label": "pass", "position": "2000"},
        {"label": "shot", "gameTime": "2 - 01:05"},
        {"labels": ["pass", "shot"], "position_ms": 99.6},
    ]
    found, faults = parsed(osl(sample(events=events)), tmp_path)
    assert moments(found) == [("pass", 2.0), ("shot", 65.0), ("pass", 0.1), ("shot", 0.1)]
    assert faults == []


def test_seconds_in_place_of_milliseconds_are_refused(tmp_path):
    events = [{"label": "pass", "position_ms": s, "gameTime": f"1 - 00:{s}"} for s in (20, 30, 40)]
    _, faults = parsed(osl(sample(events=events)), tmp_path)
    assert len(faults) == 1
    assert "these are seconds, and positions are milliseconds; multiply them by 1000" in faults[0]


def test_samples_are_parts_of_spots_and_a_missing_confidence_is_said(tmp_path):
    (tmp_path / "a.json").write_text(
        json.dumps(osl(sample(events=[{**EVENTS[0], "confidence_score": 0.25}]), sample("b.mp4")))
    )
    notices = Notices()
    found = read_spot_file(tmp_path / "a.json", notices)
    assert found.spots == {
        1: [Spot("pass", 0.68, 0.25)],
        2: [Spot("pass", 0.68, 1.0), Spot("shot", 1.48, 1.0)],
    }
    assert found.files == {1: "clips/a.mp4", 2: "b.mp4"}
    assert notices.lines()[0].startswith("2 events without a confidence, which counts as 1")


MATCH = "league/season/match"
TRUTH = [("PASS", 0.68), ("DRIVE", 1.48), ("PASS", 3.0)]
FOUND = (Spot("PASS", 0.72, 0.9), Spot("DRIVE", 1.48, 0.05), Spot("PASS", 2.2, 0.7), Spot("PASS", 3.04, 0.6))


def score(tmp_path, labels, predictions, *options):
    out = tmp_path / "score.json"
    command = [
        "spots",
        "score",
        "--labels",
        labels,
        "--predictions",
        predictions,
        "--json",
        out,
        "--quiet",
        *options,
    ]
    assert main([str(word) for word in command]) == 0
    figures = json.loads(out.read_text())
    assert not figures.pop("notices")
    return figures


def test_spots_score_the_same_as_results_and_as_osl_json_on_either_side(tmp_path):
    folder = tmp_path / "data" / MATCH
    video = write_video(folder / "720p.mp4", 100)
    annotations = [
        {"gameTime": f"1 - 00:0{int(s)}", "label": label, "position": str(round(1000 * s))}
        for label, s in TRUTH
    ]
    (folder / "Labels-ball.json").write_text(json.dumps({"annotations": annotations}))
    write_results(folder / RESULTS_NAME, MATCH, {1: FOUND}, rate=25)
    export = ["spots", "export", str(folder), "--to", "osl", "--out", str(tmp_path / "found.json"), "--quiet"]
    assert main([*export, "--video", str(video)]) == 0
    written = json.loads((tmp_path / "found.json").read_text())
    assert [len(one["events"]) for one in written["data"]] == [4]
    assert written["data"][0]["inputs"] == [{"type": "video", "path": f"data/{MATCH}/720p.mp4", "fps": 25.0}]
    events = [{"label": label.lower(), "position_ms": round(1000 * s)} for label, s in TRUTH]
    truth = osl(sample(f"{MATCH}/720p.mp4", events), labels=("pass", "drive"))
    (tmp_path / "truth.json").write_text(json.dumps(truth))

    root, found, true = tmp_path / "data", tmp_path / "found.json", tmp_path / "truth.json"
    expected = score(tmp_path, root, root)
    assert score(tmp_path, root, found) == expected
    assert score(tmp_path, true, root, "--task", "ball") == expected
    assert score(tmp_path, true, found, "--task", "ball") == expected
    own = score(tmp_path, true, found)
    assert list(own["labels"]) == ["pass", "drive"]
    assert own["score"] == expected["score"] == pytest.approx(0.9242, abs=1e-4)


def test_osl_json_goes_to_a_table_and_back(tmp_path):
    write_results(tmp_path / RESULTS_NAME, "m", {1: FOUND, 2: FOUND[:1]}, rate=25)
    steps = [(RESULTS_NAME, "osl", "a.json"), ("a.json", "csv", "b.csv"), ("a.json", "soccernet", "c.json")]
    for source, form, target in steps:
        command = ["spots", "export", source, "--to", form, "--out", target, "--confidence", "0", "--quiet"]
        assert (
            main(
                [
                    command[0],
                    command[1],
                    str(tmp_path / source),
                    *command[3:6],
                    str(tmp_path / target),
                    *command[7:],
                ]
            )
            == 0
        )
    for name in ("a.json", "b.csv", "c.json"):
        assert read_spot_file(tmp_path / name, Notices()).spots == {1: list(FOUND), 2: list(FOUND[:1])}


def test_the_published_example_is_read(shared_data):
    found = read_spot_file(shared_data / "cases/text/osl_annotations.json", Notices())
    assert found.spots == {1: [Spot("pass", 1.1, 1.0), Spot("shot", 2.65, 1.0)]}
