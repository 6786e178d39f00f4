"""Damaged and unusual text files through the commands that read them: a right reading or a clear line."""

import copy
import json
import math
import random
import shutil

import av
import pytest
from task_videos import write_video

from bvas.cli import main
from bvas.experiment.checkpoint import FILE_NAME
from bvas.results.store import RECORDING_NAME

SEED = 14
CODES = {0, 2, 3}
MOST_LETTERS = 1200
"""Of a message: values from files are shortened in it."""

LABELS = {
    "UrlLocal": "league/season/match",
    "annotations": [
        {
            "gameTime": "1 - 00:00",
            "label": "PASS",
            "position": "680",
            "team": "left",
            "visibility": "visible",
        },
        {
            "gameTime": "1 - 00:01",
            "label": "DRIVE",
            "position": "1480",
            "team": "right",
            "visibility": "not shown",
        },
    ],
}
RESULTS = {
    "UrlLocal": "league/season/match",
    "predictions": [
        {"gameTime": "1 - 00:00", "label": "PASS", "position": "720", "half": "1", "confidence": "0.9"},
        {"gameTime": "1 - 00:01", "label": "DRIVE", "position": "1400", "half": "1", "confidence": "0.25"},
    ],
}
DATASET = {
    "format": "bvas-dataset-1",
    "labels": ["PASS", "DRIVE"],
    "matches": [
        {
            "name": "cup",
            "fold": 0,
            "videos": ["720p.mp4"],
            "annotations": [{"seconds": 0.5, "label": "PASS"}],
        },
    ],
}
OSL = {
    "version": "2.0",
    "task": "action_spotting",
    "labels": {"action": {"type": "single_label", "labels": ["PASS", "DRIVE"]}},
    "data": [
        {
            "id": "a",
            "inputs": [{"type": "video", "path": "720p.mp4", "fps": 25.0}],
            "events": [
                {
                    "head": "action",
                    "label": "PASS",
                    "position_ms": 680,
                    "gameTime": "1 - 00:00",
                    "confidence": 0.9,
                },
                {"head": "action", "label": "DRIVE", "position_ms": 1480.0, "confidence_score": 0.5},
            ],
        }
    ],
}
E2E = [
    {"video": "720p", "num_frames": 50, "fps": 25, "events": [{"frame": 3, "label": "PASS", "comment": ""}]}
]
CORRECTIONS = {
    "format": "bvas-corrections-1",
    "labels": ["PASS"],
    "videos": [
        {"match": "m", "file": "720p.mp4", "num_frames": 50, "annotations": [{"frame": 3, "label": "PASS"}]}
    ],
}
RECORDING = {
    "format": "bvas-recording-1",
    "experiment": "tiny",
    "labels": ["PASS", "DRIVE"],
    "merged": {},
    "peaks": {"operating_point": 0.2},
    "kickoff_seconds": 0.0,
    "parts": [{"number": 1, "name": "720p", "path": "720p.mp4", "begin_seconds": 0.0}],
}
ANNOTATION_TABLE = "video,label,seconds,team,fold\n720p.mp4,PASS,0.5,left,0\n720p.mp4,DRIVE,1.5,,0\n"
SPOT_TABLE = "part,seconds,clock,label,confidence\n1,0.520,00:00,PASS,0.9000\n1,1.480,00:01,DRIVE,0.8000\n"
SPOT_LINES = (
    '{"part": 1, "seconds": 0.5, "label": "PASS", "confidence": 0.9}\n'
    '{"seconds": 1.5, "label": "DRIVE", "confidence": 0.5}\n'
)
MANIFEST = "# matches\nvideo\n720p.mp4\nleague/season/match\n"
NAMES = "league/season/match\n"
HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n720p.ts\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile 720p.mp4\nduration 2.0\nfile 720p.mp4\n"

ODD_VALUES = [
    *(None, True, False, [], {}, "", " ", "x", -1, 0, 3.5, 1e300, -0.0),
    *(math.nan, math.inf, -math.inf, 10**25, 10**400, "9" * 400, "1e999", "nan", "٣", "0,5"),
    *(
        "a" * 100_000,
        "../../x",
        "C:\\videos\\a.mp4",
        "/x/y.mp4",
        "\ud83d",
        "a\0b",
        "Ä" * 300,
        "日本",
        [[]],
        {"a": 1},
    ),
]


class Mutator:
    """Draws changes of a text, the same ones for the same seed."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def of_json(self, value):
        """A changed JSON file."""
        if self.rng.random() < 0.4:
            return self.of_text(json.dumps(value, ensure_ascii=False))
        return getattr(
            self, self.rng.choice(["_odd_value", "_odd_value", "_missing", "_twice", "_deep", "_renamed"])
        )(copy.deepcopy(value))

    def of_text(self, text):
        """A changed text file, as bytes."""
        kinds = [
            "_encoded",
            "_cut",
            "_zero",
            "_flipped",
            "_breaks",
            "_empty",
            "_delimited",
            "_comma",
            "_quoted",
            "_long",
        ]
        return getattr(self, self.rng.choice(kinds))(text)

    def _places(self, value, found):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found.append((value, key))
            if isinstance(inner, dict | list):
                self._places(inner, found)
        return found

    def _odd_value(self, value):
        container, key = self.rng.choice(self._places(value, []))
        container[key] = self.rng.choice(ODD_VALUES)
        return _dumped(value)

    def _missing(self, value):
        container, key = self.rng.choice(self._places(value, []))
        del container[key]
        return _dumped(value)

    def _renamed(self, value):
        container, key = self.rng.choice(self._places(value, []))
        if isinstance(container, dict):
            container[key.upper()] = container.pop(key)
        else:
            container.append(copy.deepcopy(container[key]))
        return _dumped(value)

    def _twice(self, value):
        objects = [(c, k) for c, k in self._places(value, []) if isinstance(c, dict)]
        _, key = self.rng.choice(objects)
        text = _dumped(value).decode()
        return text.replace(f'"{key}"', f'"{key}": 1, "{key}"', 1).encode()

    def _deep(self, value):
        depth = self.rng.choice([50, 150, 3000, 200_000])
        container, key = self.rng.choice(self._places(value, []))
        container[key] = "DEEP"
        opening, closing = self.rng.choice([("[", "]"), ('{"a":', "}")])
        return _dumped(value).replace(b'"DEEP"', (opening * depth + "1" + closing * depth).encode())

    def _encoded(self, text):
        text = text.replace("PASS", self.rng.choice(["PASS", "PÄSS", "パス"]))
        encoding = self.rng.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis"])
        return text.encode(encoding, "replace")

    def _cut(self, text):
        return text.encode()[: self.rng.randrange(len(text))]

    def _zero(self, text):
        at = self.rng.randrange(len(text))
        return (text[:at] + "\0" * self.rng.choice([1, 3]) + text[at:]).encode()

    def _flipped(self, text):
        content = bytearray(text.encode())
        for _ in range(self.rng.choice([1, 5])):
            content[self.rng.randrange(len(content))] = self.rng.randrange(256)
        return bytes(content)

    def _breaks(self, text):
        return text.replace("\n", self.rng.choice(["\r\n", "\r", "\n\n", "\u2028"])).encode()

    def _empty(self, text):
        return self.rng.choice([b"", b" \n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\n" * 50])

    def _delimited(self, text):
        return text.replace(",", self.rng.choice([";", "\t", "|", ", ", ",,"])).encode()

    def _comma(self, text):
        return text.replace(",", ";").replace(".", ",").encode()

    def _quoted(self, text):
        at = self.rng.randrange(len(text))
        return (text[:at] + self.rng.choice(['"', '""', '"a\nb"', "'", "sep=;\n"]) + text[at:]).encode()

    def _long(self, text):
        at = self.rng.randrange(len(text))
        return (
            text[:at] + self.rng.choice(["9", "a", ",", "é"]) * self.rng.choice([300, 200_000]) + text[at:]
        ).encode()


def _dumped(value):
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") if "\ud83d" not in text else json.dumps(value).encode()


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
    (folder / "dataset.json").write_bytes(draw.of_json(DATASET))
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
