"""Text files that are right, and changes of them: odd values, damage, other encodings."""

import copy
import json
import math
import random

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
DATASET_2 = {
    "format": "bvas-dataset-2",
    "labels": ["PASS", "DRIVE"],
    "splits": {"train": 0.5, "valid": 0.5},
    "matches": [
        {
            "name": "cup",
            "group": "game",
            "videos": ["720p.mp4"],
            "annotations": [{"from_frame": 5, "to_frame": 9, "label": "PASS"}],
        },
    ],
    "samples": [{"video": "clip.mp4", "label": "PASS", "from_seconds": 0.2, "to_seconds": 0.5}],
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
TRACKS = "1,1,10,20,30,60,0.9,-1,-1,-1\n2,1,12,20,30,60,-1,-1,-1,-1\n2,2,90,20,30,60,0.8,-1,-1,-1\n"
PLAYER_TABLE = (
    "frame,seconds,player,name,x,y,width,height,label,confidence\n0,0.000,1,,10,20,30,60,run,0.9\n"
    "1,0.040,1,,12,20,30,60,run,0.9\n1,0.040,2,Ann,90,20,30,60,,\n"
)
ACTION_TABLE = "player,from_frame,to_frame,label\n1,0,1,run\n1,1,2,walk\n2,0,2,run\n"
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
