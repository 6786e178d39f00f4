"""Import of clips with a class each: OSL JSON with labels of samples."""

import json

from clip_imports import imported, put, refused, samples

from bvas.data.dataset_json import read_annotations, read_dataset


def osl(*data, **more):
    heads = {"action": {"type": "single_label", "labels": ["pass", "shot"]}}
    return json.dumps({"version": "2.0", "labels": heads, "data": list(data), **more})


def osl_sample(name, label, **more):
    inputs = [{"type": "video", "path": f"clips/{name}.mp4"}]
    return {"id": name, "inputs": inputs, "labels": {"action": {"label": label}}, **more}


def test_samples_of_osl_json_with_a_label_become_clips_and_their_match_the_group(clip, tmp_path):
    put(clip, *(tmp_path / f"clips/{name}.mp4" for name in "abcd"))
    (tmp_path / "a.json").write_text(
        osl(
            osl_sample("a", "pass", metadata={"match_id": "final"}),
            osl_sample("b", "shot", metadata={"game_id": 7}),
            osl_sample("c", "shot"),
            {"id": "d", "inputs": [{"path": "clips/d.mp4"}], "events": [{"label": "pass"}]},
        )
    )
    assert imported(tmp_path / "a.json", tmp_path / "out") == 0
    assert samples(tmp_path / "out") == {
        "clips/a": ("pass", "final", None),
        "clips/b": ("shot", "7", None),
        "clips/c": ("shot", str(tmp_path / "clips/c.mp4"), None),
        "clips/d": ("pass", str(tmp_path / "clips/d.mp4"), None),
    }


def test_events_with_a_time_stay_a_match_unless_the_task_is_to_classify(clip, tmp_path):
    put(clip, *(tmp_path / f"clips/{name}.mp4" for name in "abc"))
    event = {"head": "action", "label": "shot", "position_ms": 400}
    data = [osl_sample(name, "pass", events=[event]) for name in "abc"]
    (tmp_path / "spots.json").write_text(osl(*data))
    (tmp_path / "classes.json").write_text(osl(*data, task="action_classification"))

    assert imported(tmp_path / "spots.json", tmp_path / "spots") == 0
    assert imported(tmp_path / "classes.json", tmp_path / "classes") == 0

    matches = read_dataset(tmp_path / "spots/dataset.json")[0].matches
    assert [item.seconds for match in matches for item in read_annotations(match)[0].items] == [0.4] * 3
    assert {label for label, _, _ in samples(tmp_path / "classes").values()} == {"pass"}


def test_clips_of_osl_json_that_are_wrong_are_named(clip, tmp_path, capsys):
    put(clip, tmp_path / "clips/a.mp4")
    several = {"action": {"labels": ["pass", "shot"]}}
    (tmp_path / "a.json").write_text(
        osl(
            osl_sample("a", "dribble"),
            osl_sample("a", "pass") | {"labels": several},
            osl_sample("b", "pass"),
            "no object",
        )
    )
    assert refused(tmp_path / "a.json", tmp_path, capsys) == [
        "a.json: sample 3: must be an object, got 'no object'",
        "a.json: sample 0: label 'dribble' is not declared for head 'action': pass, shot",
        "a.json: sample 1: the label of head 'action' is ['pass', 'shot']; a clip has one label, a name",
        "a.json: sample 1: is clips/a.mp4 again; keep one of them",
        f"a.json: sample 2: no video clips/b.mp4 in {tmp_path}; say where with --videos".replace(
            f"{tmp_path}/", ""
        ),
    ]
