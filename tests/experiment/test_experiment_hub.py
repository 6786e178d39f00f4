"""Experiments go to the Hugging Face Hub and come back: the same weights, or an error that says why not."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import Repository, local_hub
from tiny import save_tiny_runs
from video_samples import make_video

from bvas.cli import main
from bvas.errors import CheckpointError, ConfigError, DataError
from bvas.experiment.checkpoint import load_checkpoint, save_checkpoint
from bvas.experiment.experiment import load_experiment
from bvas.experiment.hub_pull import pulled
from bvas.system.hub import HubAddress, parse_address

hf = pytest.importorskip("huggingface_hub")

WEIGHTS = "fold_0/model.safetensors"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-login"))
    # Between two tries of huggingface_hub.
    monkeypatch.setattr("time.sleep", lambda _: None)
    with local_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server
        hf.close_session()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A runs folder with an experiment that has weights, a record of its matches, and files that stay at home."""
    runs = tmp_path_factory.mktemp("trained")
    save_tiny_runs(runs)
    fold = runs / "tiny" / "fold_0"
    (fold / "matches.json").write_text('{"trained_on": ["a"], "held_out": ["b"]}')
    for name in ("environment.json", "log.csv", "training_state.safetensors", "train.py"):
        (fold / name).write_text("{}")
    return runs


def push(runs, *options, address="hf:club/tiny"):
    return main(["weights", "push", str(runs / "tiny.py"), address, "--runs", str(runs), *options])


@pytest.fixture
def uploaded(hub, trained):
    """The repository club/tiny with the experiment in it."""
    assert push(trained) == 0
    return hub.repositories["club/tiny"]


def as_written(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_pushed_and_pulled_is_the_same_bit_for_bit(uploaded, trained, tmp_path):
    commit = uploaded.branches["main"]

    name = pulled("hf:club/tiny", tmp_path)

    assert name == f"hf--club--tiny@{commit[:12]}"
    assert (tmp_path / name / WEIGHTS).read_bytes() == (trained / "tiny" / WEIGHTS).read_bytes()
    wanted = load_experiment(str(trained / "tiny.py"))
    assert load_experiment(f"hf:club/tiny@{commit}", tmp_path) == replace(wanted, name=name)


def test_weights_and_settings_are_pushed_and_nothing_else(uploaded, trained):
    files = uploaded.commits[uploaded.branches["main"]]

    assert set(files) == {".gitattributes", "README.md", "experiment.json", WEIGHTS, "fold_0/matches.json"}
    card = files["README.md"].decode()
    assert "| labels, in the order of the scores | PASS, DRIVE |" in card
    assert f"| `{WEIGHTS}` | {len(files[WEIGHTS])} |" in card
    assert "bvas spot VIDEO --experiment hf:club/tiny@REVISION" in card


def test_a_record_says_commit_and_hashes(uploaded, tmp_path):
    assert main(["weights", "pull", "hf:club/tiny", "--name", "other", "--runs", str(tmp_path)]) == 0

    record = json.loads((tmp_path / "other" / "hub.json").read_text())
    assert record["repository"] == "club/tiny"
    assert record["commit"] == uploaded.branches["main"]
    assert record["files"] == {
        path: hashlib.sha256((tmp_path / "other" / path).read_bytes()).hexdigest()
        for path in ("experiment.json", WEIGHTS, "fold_0/matches.json")
    }
    assert load_experiment("other", tmp_path).name == "other"


def test_only_known_names_are_fetched(uploaded, hub, tmp_path):
    files = dict(uploaded.commits[uploaded.branches["main"]])
    odd = ("config.py", "fold_0/model.bin", "fold_0/../evil.json", "fold_x/model.safetensors", "hub.json")
    uploaded.commit({**files, **dict.fromkeys(odd, b"import os")})

    name = pulled("hf:club/tiny", tmp_path)

    assert as_written(tmp_path / name) == {"experiment.json", WEIGHTS, "fold_0/matches.json", "hub.json"}
    assert not [path for path in hub.paths("GET") if path.endswith((".py", ".bin", "evil.json"))]


def test_a_repository_without_an_experiment_is_named(hub, tmp_path):
    hub.repositories["club/other"] = Repository()
    hub.repositories["club/other"].commit({"config.json": b"{}", "model.safetensors": b"1234"})

    with pytest.raises(CheckpointError, match=r"hf:club/other@\w{40} has no experiment.json"):
        pulled("hf:club/other", tmp_path)


def test_the_token_does_not_follow_a_redirect_to_another_host(uploaded, hub, tmp_path):
    pulled("hf:club/tiny", tmp_path)

    sent = [(path.startswith("cdn:"), bool(token)) for method, path, token in hub.requests if method == "GET"]
    assert (True, False) in sent
    assert (True, True) not in sent
    assert (False, True) in sent


@pytest.mark.parametrize("path", [WEIGHTS, "experiment.json"])
def test_a_file_with_another_hash_is_refused(uploaded, hub, tmp_path, path):
    content = uploaded.commits[uploaded.branches["main"]][path]
    hub.served[path] = content[:-1] + bytes([content[-1] ^ 1])

    with pytest.raises(
        DataError, match=rf"{path} of hf:club/tiny@\w+ came with the hash \w+, and the commit has"
    ):
        pulled("hf:club/tiny", tmp_path)
    assert list(tmp_path.glob("hf--*")) == []

    hub.served.clear()
    assert (tmp_path / pulled("hf:club/tiny", tmp_path) / path).read_bytes() == content


def test_a_download_that_breaks_off_is_resumed(uploaded, hub, trained, monkeypatch, tmp_path):
    # It keeps whole chunks, by default of 10 MiB.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 500)
    hub.cuts = [1000, None]

    name = pulled("hf:club/tiny", tmp_path)

    assert hub.ranges == ["", "bytes=1000-"]
    assert (tmp_path / name / WEIGHTS).read_bytes() == (trained / "tiny" / WEIGHTS).read_bytes()


def test_whole_files_of_an_interrupted_pull_are_kept(uploaded, hub, tmp_path):
    hub.cuts = [0]
    with pytest.raises(DataError, match="the transfer failed"):
        pulled("hf:club/tiny", tmp_path)
    assert list(tmp_path.glob("hf--*")) == []
    hub.requests.clear()
    hub.cuts = []

    pulled("hf:club/tiny", tmp_path)

    assert not [path for path in hub.paths("GET") if path.endswith("/experiment.json")]
    assert [path for path in hub.paths("GET") if path.startswith("cdn:")]


def test_a_revision_that_does_not_exist_is_named(uploaded, tmp_path):
    for revision in ("v2", "0" * 40):
        with pytest.raises(DataError, match=f"hf:club/tiny has no revision '{revision}'"):
            pulled(f"hf:club/tiny@{revision}", tmp_path)


def test_a_branch_is_resolved_and_the_commit_is_said(uploaded, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    uploaded.branches["v1"] = uploaded.branches["main"]

    pulled("hf:club/tiny@v1", tmp_path)

    assert f"hf:club/tiny@v1 is hf:club/tiny@{uploaded.branches['main']}" in caplog.messages


def test_a_private_repository_needs_the_token(uploaded, monkeypatch, tmp_path):
    uploaded.private = True
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(
        DataError, match=r"refuses hf:club/tiny@main \(401\): .* no token was given.* 'hf auth login'"
    ):
        pulled("hf:club/tiny", tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_ofSomebodyElse")
    with pytest.raises(
        DataError, match=r"refuses hf:club/tiny@main \(404\): .* the token has no right to it"
    ):
        pulled("hf:club/tiny", tmp_path)

    monkeypatch.setenv("HF_TOKEN", "hf_secretOfTheTests")
    assert pulled("hf:club/tiny", tmp_path).startswith("hf--club--tiny@")


def test_a_gated_repository_is_named(uploaded, tmp_path):
    uploaded.gated = True

    with pytest.raises(
        DataError, match="hf:club/tiny is gated, and the token has no right to it; ask for access"
    ):
        pulled("hf:club/tiny", tmp_path)


def test_a_push_without_the_right_is_refused(hub, trained, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_ofSomebodyElse")

    assert push(trained) == 2
    said = capsys.readouterr().err
    assert "the Hub refuses hf:club/tiny@main (403)" in said
    assert "hf_ofSomebodyElse" not in said
    assert hub.repositories == {}


def test_a_commit_that_is_here_needs_no_network(uploaded, hub, monkeypatch, tmp_path):
    commit = uploaded.branches["main"]
    name = pulled("hf:club/tiny", tmp_path)
    hub.requests.clear()

    assert pulled(f"hf:club/tiny@{commit}", tmp_path) == name
    assert hub.requests == []

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert pulled(f"hf:club/tiny@{commit}", tmp_path) == name
    with pytest.raises(DataError, match="hf:club/tiny@main is not pulled yet, and HF_HUB_OFFLINE is set"):
        pulled("hf:club/tiny", tmp_path)


def test_a_hub_that_cannot_be_reached_is_an_error(hub, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for revision in ("main", "0" * 40):
        with pytest.raises(
            DataError, match=rf"hf:club/tiny@{revision}: the transfer failed .* check the network"
        ):
            pulled(f"hf:club/tiny@{revision}", tmp_path)


def test_files_that_were_changed_here_are_refused(uploaded, tmp_path):
    address = f"hf:club/tiny@{uploaded.branches['main']}"
    name = pulled(address, tmp_path)
    path = tmp_path / name / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CheckpointError, match=rf"{WEIGHTS} is not the file that was pulled .* remove "):
        load_experiment(address, tmp_path)

    shutil.rmtree(tmp_path / name)
    assert load_experiment(address, tmp_path).name == name


def test_tuned_rules_travel_and_may_be_tuned_again(hub, trained, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    (runs / "tiny" / "postprocessing.json").write_text("{}")
    assert push(runs) == 0

    name = pulled("hf:club/tiny", tmp_path / "there")
    tuned = tmp_path / "there" / name / "postprocessing.json"
    assert tuned.read_text() == "{}"
    tuned.write_text("{ }")
    assert pulled("hf:club/tiny", tmp_path / "there") == name


def test_paths_of_the_trainers_machine_stay_there(hub, trained, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    path = runs / "tiny" / WEIGHTS
    was = load_checkpoint(path)
    train = replace(was.experiment.train, start_from="/home/trainer/first/model.safetensors")
    save_checkpoint(path, was.state, replace(was.experiment, train=train), was.facts)
    assert push(runs) == 0

    name = pulled("hf:club/tiny", tmp_path / "there")

    assert all(b"/home/trainer" not in content for content in hub.uploads.values())
    came = load_checkpoint(tmp_path / "there" / name / WEIGHTS)
    assert came.experiment == was.experiment
    assert all(came.state[key].equal(tensor) for key, tensor in was.state.items())


def test_the_next_push_leaves_no_weights_of_the_last(uploaded, hub, trained):
    files = dict(uploaded.commits[uploaded.branches["main"]])
    uploaded.commit({**files, "fold_5/model.safetensors": b"old", "notes.txt": b"mine"})

    assert push(trained) == 0

    assert set(uploaded.commits[uploaded.branches["main"]]) == {*files, "notes.txt"}


def test_a_branch_is_made_and_a_commit_is_refused(uploaded, trained, capsys):
    before = uploaded.branches["main"]
    assert push(trained, address="hf:club/tiny@next") == 0
    assert uploaded.branches["main"] == before
    assert WEIGHTS in uploaded.commits[uploaded.branches["next"]]

    assert push(trained, address=f"hf:club/tiny@{before}") == 2
    assert "is a commit, which never changes" in capsys.readouterr().err


def test_private_makes_a_private_repository_and_never_writes_to_a_public_one(uploaded, hub, trained, capsys):
    assert push(trained, "--private", address="hf:club/hidden") == 0
    assert hub.repositories["club/hidden"].private

    before = uploaded.branches["main"]
    assert push(trained, "--private") == 2
    assert "hf:club/tiny exists and is public" in capsys.readouterr().err
    assert uploaded.branches["main"] == before


def test_a_video_is_spotted_by_weights_of_the_hub_and_the_token_stays_secret(
    hub, trained, tmp_path, capfd, caplog
):
    caplog.set_level(logging.DEBUG)
    video = make_video(tmp_path / "match.mp4", num_frames=10)
    runs = tmp_path / "runs"
    assert push(trained, "--private") == 0
    words = ["--experiment", "hf:club/tiny@main", "--runs", str(runs), "--device", "cpu", "--engine", "torch"]

    assert main(["spot", str(video), "--out", str(tmp_path / "spots"), *words]) == 0

    assert (tmp_path / "spots" / "spots.csv").is_file()
    said = capfd.readouterr()
    assert any(token for _, _, token in hub.requests)
    for text in (said.out, said.err, caplog.text):
        assert hub.token not in text
        assert "signed" not in text
    for folder in (tmp_path, trained):
        assert not [
            path for path in folder.rglob("*") if path.is_file() and hub.token.encode() in path.read_bytes()
        ]


def test_a_new_process_pulls_from_the_server_that_the_environment_names(uploaded, tmp_path):
    words = ["weights", "pull", "hf:club/tiny", "--name", "other", "--runs", str(tmp_path)]
    place = Path(__file__).resolve().parents[2]

    ended = subprocess.run(
        [sys.executable, "-m", "bvas", *words], cwd=place, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, f"experiment other of kind spot in {tmp_path / 'other'}\n")
    said = f"hf:club/tiny@main is hf:club/tiny@{uploaded.branches['main']}"
    assert ended.stderr == f"{said}\n3 files in {tmp_path / 'other'}\n"


def test_a_missing_package_is_named_with_the_line_that_installs_it(uploaded, monkeypatch, tmp_path):
    name = pulled("hf:club/tiny", tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(ConfigError, match=r"pip install 'bvas\[hub\]'"):
        pulled("hf:club/tiny", tmp_path)
    assert pulled(f"hf:club/tiny@{uploaded.branches['main']}", tmp_path) == name


def test_addresses_are_read():
    assert parse_address("hf:club/tiny") == HubAddress("club", "tiny", "main")
    assert parse_address("hf:club/tiny.v1@refs/pr/1") == HubAddress("club", "tiny.v1", "refs/pr/1")


@pytest.mark.parametrize(
    "text",
    ["hf:tiny", "hf:club/tiny@", "hf:a/b/c", "hf:../x", "hf:a--b/c", "hf:a/..", "hf:a/b@x@y", "hf: a/b"],
)
def test_a_malformed_address_is_refused(text, tmp_path):
    with pytest.raises(ConfigError, match="write hf:OWNER/NAME"):
        load_experiment(text, Path(tmp_path))
