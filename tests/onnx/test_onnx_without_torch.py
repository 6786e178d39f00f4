"""Each verb where the extra `train` is not installed: those that look run, the others say how to install it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from export_samples import SPOTS, results_in
from tiny import TINY_CONFIG
from video_samples import make_video

import bvas
from bvas.cli import NEED_TRAIN, VERBS
from bvas.commands.console import OK, WRONG_INPUT
from bvas.system.extras import TRAIN_PACKAGES

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("without_torch.py")
FIRST, SECOND = (f"data/spotting-ball-2023/cup/2024/a/{half}_64p.mkv" for half in (1, 2))
LABELS, PREDICTIONS = "data/spotting-ball-2023", "runs/tiny/predictions/cv"
FILES = f"--labels {LABELS} --predictions {PREDICTIONS} --partial"
ROI = "--detector none --roi 20,10,30,40@0.5"
# By verb, with what tells apart several of one verb behind a comma. SPOTTER and CLASSIFIER are exported models.
RUN = {
    "doctor": "--runs runs",
    "video check": f"{FIRST} numbers.ts",
    "video index": f"{FIRST} --sidecar",
    "video prepare": f"{FIRST} --out copies",
    "video frames": f"{FIRST} --out frames --every 20",
    "data synth": "--out league --matches 1 --minutes 0.1 --size 64x96 --jobs 1 --boxes",
    "data check": "data",
    "data import": f"{LABELS} --out imported --resolution 64p --link",
    "spot": f"{FIRST} {SECOND} --model SPOTTER --out spots/both",
    "spot, a stream": "- --model SPOTTER --out spots/stream",
    "spot, live": f"{FIRST} --model SPOTTER --live --jsonl live.jsonl",
    "spots score": FILES,
    "spots export": "results --to csv --out spots.csv",
    "spots overlay": f"{FIRST} --spots results --out overlay.mp4",
    "spots pictures": f"{FILES} --out pictures",
    "report": "spots/both",
    "report, of an experiment": "tiny --out page",
    "label": f"{FIRST} --labels PASS,DRIVE --out labels/labels.json",
    "cut": f"{FIRST} --spots results --confidence 0 --out cut.mp4",
    "classify": f"{FIRST} --model CLASSIFIER --out classes --workers 0",
    "classify, with workers": f"{FIRST} --model CLASSIFIER --out others --every 0.1 --workers 1",
    "players": f"{FIRST} {ROI} --no-actions --out players/drawn",
    "players, with actions": f"{FIRST} {ROI} --model CLASSIFIER --out players/named",
    "players, of detections": f"{FIRST} --detections boxes.txt --no-actions --no-video --out players/found",
    "players score": "--tracks players/drawn --truth boxes.txt",
    "players clips": f"{FIRST} --tracks boxes.txt --actions actions.csv --out clips --size 32x24",
    "evaluate": "--experiment tiny",
    "experiment tune": "tiny",
    "experiment suspects": "tiny --no-page",
    "experiment submit": "tiny",
    "experiment ensemble": "tiny,seed_1/tiny --name both",
}
REFUSED = {
    "demo": "",
    "train": "--experiment tiny",
    "predict": "--experiment tiny",
    "intervals": FIRST,
    "experiment run": "tiny",
    "experiment preview": "tiny",
    "experiment rate": "tiny",
    "players detector": f"{FIRST} --out tiny.safetensors",
    "weights download": "ball",
    "weights import": "weights.pth --name ball",
    "weights export": "tiny",
    "weights push": "tiny hf:club/tiny",
    "spot, an experiment": f"{FIRST} --experiment tiny --out begun",
    "spot, the newest experiment": f"{FIRST} --out begun",
    "classify, a published network": f"{FIRST} --model r3d_18",
    "classify, the newest experiment": FIRST,
    "players, the detector for this device": f"{FIRST} --no-actions",
    "players, a published network": f"{FIRST} {ROI} --model r3d_18",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with results of version 0.1, an experiment's config, and files of spots and frames."""
    place = tmp_path_factory.mktemp("place")
    shutil.copytree(ROOT / "tests" / "data" / "results_0_1", place, dirs_exist_ok=True)
    shutil.copytree(place / "runs", place / "runs" / "seed_1")
    (place / "configs").mkdir()
    (place / "configs" / "tiny.py").write_text(TINY_CONFIG)
    results_in(place / "results", SPOTS)
    (place / "boxes.txt").write_text("".join(f"{frame},1,20,10,30,40,1,1,1\n" for frame in range(1, 61)))
    (place / "actions.csv").write_text("player,from_frame,to_frame,label\n1,0,60,run\n")
    make_video(place / "numbers.ts")
    return place


@pytest.fixture(scope="module")
def done(place, exported, exported_classifier):
    """Exit code and error lines of each command, in one process."""

    def words(name, text):
        text = text.replace("SPOTTER", str(exported)).replace("CLASSIFIER", str(exported_classifier))
        return [*name.partition(",")[0].split(), *text.split(), "--quiet"]

    commands = {name: words(name, text) for name, text in (REFUSED | RUN).items()}
    (place / "commands.json").write_text(json.dumps(commands))
    program = [sys.executable, str(PROGRAM), "--each", "commands.json", "done.json"]
    with (place / "numbers.ts").open("rb") as stream:
        ended = subprocess.run(program, cwd=place, stdin=stream, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads((place / "done.json").read_text())


@pytest.mark.parametrize("name", RUN)
def test_what_looks_at_videos_and_results_runs(done, name):
    code, errors = done[name]
    assert (code, "Traceback" in errors) == (OK, False), errors


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_torch_says_how_to_install_it(done, name):
    code, errors = done[name]
    verb = name.partition(",")[0]
    assert code == WRONG_INPUT
    assert re.fullmatch(rf"bvas {verb}: torch is not installed; .*: pip install 'bvas\[train\]'\n", errors), (
        errors
    )


def test_nothing_was_begun_that_would_have_ended_there(done, place):
    # What `demo` and the others would have made first.
    assert [name for name in ("demo", "begun", "players/1_64p") if (place / name).exists()] == []


def test_each_verb_is_among_them(done):
    # These two ask for a network, the first also for the package SoccerNet.
    verbs = {name.partition(",")[0] for name in RUN | REFUSED} | {"data download", "weights pull"}
    assert verbs == set(VERBS)
    assert {name for name in REFUSED if "," not in name} == NEED_TRAIN


def test_public_names_load_or_say_how_to_install_it():
    code = (
        "import runpy, sys; sys.argv = ['x', '--version']\n"
        f"try: runpy.run_path({str(PROGRAM)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "import bvas\n"
        "for name in bvas.__all__:\n"
        "    try: getattr(bvas, name)\n"
        "    except ImportError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    refused = re.findall(
        r"^bvas\.(\w+): torch is not .*: pip install 'bvas\[train\]'$", out.stdout, flags=re.M
    )
    assert sorted(refused) == sorted(
        "SpottingModel TorchEngine build_model load_checkpoint load_classifier load_spotter published_classifier "
        "read_video to_rgb".split()
    )
    assert len(out.stdout.splitlines()) == len(refused) + 1
    assert set(refused) < set(bvas.__all__)


def test_the_packages_are_those_of_the_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert sorted(re.match(r"[\w-]+", line)[0] for line in extras["train"]) == sorted(TRAIN_PACKAGES)
