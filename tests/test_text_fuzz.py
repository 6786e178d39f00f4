"""Damaged and unusual text files through the commands that read them: a right reading or a clear line."""

import json
import shutil

import av
import pytest
from task_videos import write_video
from text_mutations import (
    ACTION_TABLE,
    ANNOTATION_TABLE,
    CONCAT,
    CORRECTIONS,
    DATASET,
    DATASET_2,
    E2E,
    HLS,
    LABELS,
    MANIFEST,
    NAMES,
    OSL,
    PLAYER_TABLE,
    RECORDING,
    RESULTS,
    SPOT_LINES,
    SPOT_TABLE,
    TRACKS,
    Mutator,
)

from bvas.cli import main
from bvas.experiment.checkpoint import FILE_NAME
from bvas.results.store import RECORDING_NAME

SEED = 14
CODES = {0, 2, 3}
MOST_LETTERS = 1200
"""Of a message: values from files are shortened in it."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data root with one match, its labels and results, and what the commands need besides."""
    root = tmp_path_factory.mktemp("fuzz")
    match = root / "data/league/season/match"
    write_video(match / "720p.mp4")
    shutil.copy(match / "720p.mp4", root / "720p.mp4")
    with av.open(str(match / "720p.mp4")) as source, av.open(str(root / "720p.ts"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    (match / "Labels-ball.json").write_text(json.dumps(LABELS))
    (match / "results_spotting.json").write_text(json.dumps(RESULTS))
    weights = root / "runs/demo/fold_0" / FILE_NAME
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"")
    return root


def _spoiled_root(place, name, content):
    """A copy of the data root in which one file of the match is another one."""
    target = place / "spoiled"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(place / "data", target, symlinks=True)
    (target / "league/season/match" / name).write_bytes(content)
    return target


def _file(place, name, content):
    (place / name).write_bytes(content)
    return place / name


def _score(place, labels, predictions, *more):
    return ["spots", "score", "--labels", labels, "--predictions", predictions, *more]


def _labels(place, draw):
    root = _spoiled_root(place, "Labels-ball.json", draw.of_json(LABELS))
    if draw.rng.random() < 0.3:
        return ["data", "check", root]
    return _score(place, root, place / "data")


def _results(place, draw):
    root = _spoiled_root(place, "results_spotting.json", draw.of_json(RESULTS))
    folder = root / "league/season/match"
    return draw.rng.choice(
        [
            _score(place, place / "data", root),
            [
                "spots",
                "export",
                folder,
                "--to",
                draw.rng.choice(["csv", "osl", "soccernet"]),
                "--out",
                place / "out",
            ],
            ["report", folder, "--video", place / "720p.mp4", "--out", place / "page"],
        ]
    )


def _dataset(place, draw):
    folder = place / "own"
    folder.mkdir(exist_ok=True)
    if not (folder / "720p.mp4").exists():
        shutil.copy(place / "720p.mp4", folder)
    (folder / "dataset.json").write_bytes(draw.of_json(draw.rng.choice([DATASET, DATASET_2])))
    return ["data", "check", folder]


def _osl(place, draw):
    path = _file(place, "osl.json", draw.of_json(OSL))
    sound = _file(place, "sound_osl.json", json.dumps(OSL).encode())
    return draw.rng.choice(
        [
            _score(place, path, sound),
            _score(place, sound, path),
            ["spots", "export", path, "--to", "jsonl", "--out", place / "out"],
            ["data", "import", path, "--out", place / "imported", "--overwrite"],
        ]
    )


def _import(name, base):
    def make(place, draw):
        content = draw.of_text(base) if isinstance(base, str) else draw.of_json(base)
        return ["data", "import", _file(place, name, content), "--out", place / "imported", "--overwrite"]

    return make


def _spots(name, base):
    def make(place, draw):
        path = _file(place, name, draw.of_text(base))
        to = draw.rng.choice(["csv", "srt", "vtt", "osl", "edl"])
        return ["spots", "export", path, "--to", to, "--out", place / "out"]

    return make


def _manifest(place, draw):
    path = _file(place, "manifest.txt", draw.of_text(MANIFEST))
    return [
        "predict",
        "--experiment",
        "demo",
        "--manifest",
        path,
        "--data",
        place / "data",
        "--runs",
        place / "runs",
    ]


def _names(place, draw):
    path = _file(place, "names.txt", draw.of_text(NAMES))
    return _score(place, place / "data", place / "data", "--matches", path)


def _rules(place, draw):
    rules = {"labels": ["PASS", "DRIVE"], "rate": 25.0, "peaks": {"operating_point": 0.3}, "provenance": None}
    path = _file(place, "postprocessing.json", draw.of_json({**rules, "format": "bvas-postprocessing-1"}))
    return _score(place, place / "data", place / "data", "--postprocessing", path)


def _recording(place, draw):
    folder = place / "recorded"
    folder.mkdir(exist_ok=True)
    (folder / "results_spotting.json").write_text(json.dumps(RESULTS))
    (folder / RECORDING_NAME).write_bytes(draw.of_json(RECORDING))
    return ["spots", "export", folder, "--to", "csv", "--out", place / "out"]


def _playlist(name, base):
    def make(place, draw):
        return ["video", "check", _file(place, name, draw.of_text(base))]

    return make


def _tracks(place, draw):
    path = _file(place, "tracks.txt", draw.of_text(TRACKS))
    truth = _file(place, "gt.txt", TRACKS.encode())
    return [
        "players",
        "score",
        *draw.rng.choice([("--tracks", path, "--truth", truth), ("--tracks", truth, "--truth", path)]),
    ]


def _actions(place, draw):
    texts = {"players.csv": PLAYER_TABLE, "actions.csv": ACTION_TABLE}
    spoiled = draw.rng.choice(list(texts))
    paths = {
        name: _file(place, name, draw.of_text(text) if name == spoiled else text.encode())
        for name, text in texts.items()
    }
    tracks = _file(place, "tracks.txt", TRACKS.encode())
    return ["players", "score", "--tracks", tracks, "--truth", tracks, "--actions", paths["actions.csv"]]


INPUTS = {
    "labels": (_labels, 24),
    "results": (_results, 24),
    "dataset": (_dataset, 20),
    "osl": (_osl, 32),
    "table of annotations": (_import("annotations.csv", ANNOTATION_TABLE), 20),
    "e2e": (_import("e2e.json", E2E), 12),
    "corrections": (_import("corrections.json", CORRECTIONS), 12),
    "table of spots": (_spots("spots.csv", SPOT_TABLE), 20),
    "lines of spots": (_spots("spots.jsonl", SPOT_LINES), 10),
    "manifest": (_manifest, 12),
    "names": (_names, 6),
    "rules": (_rules, 10),
    "recording": (_recording, 16),
    "hls": (_playlist("index.m3u8", HLS), 6),
    "tracks": (_tracks, 12),
    "actions of players": (_actions, 12),
    "concat": (_playlist("list.ffconcat", CONCAT), 6),
}


def test_there_are_two_hundred_inputs():
    assert sum(count for _, count in INPUTS.values()) >= 200


@pytest.mark.parametrize("kind", INPUTS)
def test_a_damaged_text_ends_in_a_reading_or_in_a_clear_line(place, kind, capsys, monkeypatch):
    monkeypatch.chdir(place)
    make, count = INPUTS[kind]
    for number in range(count):
        draw = Mutator(f"{SEED} {kind} {number}")
        command = [str(word) for word in make(place, draw)]
        (place / "out").unlink(missing_ok=True)

        code = main([*command, "--quiet"] + (["--overwrite"] if "export" in command else []))

        printed = capsys.readouterr()
        told = f"{kind} {number}: {' '.join(command)}: {code}: {printed.err[:2000]}"
        assert code in CODES, told
        assert "Traceback" not in printed.err, told
        lines = printed.err.splitlines()
        assert all(len(line) <= MOST_LETTERS for line in lines), told
        if code:
            assert lines or printed.out, told
        elif "export" in command and (place / "out").exists():
            text = (place / "out").read_text(encoding="utf-8")
            assert not {"nan", "inf", "NaN", "Infinity"} & set(text.replace(",", " ").split()), told
