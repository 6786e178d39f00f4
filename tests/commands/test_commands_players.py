"""`bvas players`: from detections to table, tracks, video; drawn players, corrections, the page; wrong use.

Two squares move over a gray ground: a bright one to the right, and a dark one to the left, below it. The classifier
calls a clip by its brightness.
"""

import csv
import json
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from number_reader import Brightness, class_experiment, classifier_of
from video_samples import make_video

from bvas.cli import main
from bvas.commands import players_output
from bvas.inference import classifier as classifiers
from bvas.values.clip_config import ClipConfig
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

HEIGHT, WIDTH, NUM_FRAMES, SIDE = 96, 200, 75, 24
CENTERS = [0.4, 1.2, 2.0, 2.8]


def bright_box(frame):
    return [10 + 2 * frame, 12, SIDE, SIDE]


def dark_box(frame):
    return [166 - 2 * frame, 56, SIDE, SIDE]


def write_squares(path):
    with VideoWriter(path, size=(HEIGHT, WIDTH), rate=25, crf=8, sound_rate=None) as writer:
        for frame in range(NUM_FRAMES):
            picture = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
            for (x, y, width, height), value in ((bright_box(frame), 235), (dark_box(frame), 16)):
                picture[y : y + height, x : x + width] = value
            writer.write(picture)
    return path


def write_detections(path, frames=range(NUM_FRAMES)):
    lines = [
        f"{frame + 1},-1,{x},{y},{width},{height},0.9,-1,-1,-1"
        for frame in frames
        for x, y, width, height in (dark_box(frame), bright_box(frame))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    return write_squares(folder / "game.mp4"), write_detections(folder / "det.txt")


@pytest.fixture
def bvas(sources, tmp_path, monkeypatch):
    """Run `bvas players` for the squares; --model r3d_18 tells bright from dark."""
    clip = ClipConfig(num_frames=4, frame_step=2, stack_size=4)
    experiment = class_experiment(("dark", "bright"), clip=clip, size=(24, 24))

    def made(name, weights, **_):
        return classifier_of(Brightness(), experiment)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classifiers, "published_classifier", made)
    video, _ = sources

    def run(*words, of=video):
        return main(["players", str(of), *map(str, words), "--device", "cpu", "--quiet"])

    return run


@pytest.fixture
def found(bvas, sources):
    """The results of all players."""
    assert bvas("--detections", sources[1], "--model", "r3d_18") == 0


def table(path="players/game/players.csv"):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def content(path="players/game/players.json"):
    return json.loads(Path(path).read_text())


def labels_of(player):
    return [(round(one["seconds"], 2), one["label"]) for one in player["actions"]]


def test_each_player_is_followed_and_his_actions_named(bvas, sources, capsys):
    assert bvas("--detections", sources[1], "--model", "r3d_18") == 0
    printed = capsys.readouterr().out
    assert "results in players/game" in printed
    assert "bright 4" in printed
    bright, dark = content()["players"]
    if bright["actions"][0]["label"] == "dark":
        bright, dark = dark, bright
    assert labels_of(bright) == [(center, "bright") for center in CENTERS]
    assert labels_of(dark) == [(center, "dark") for center in CENTERS]
    assert content()["detector"] == "det.txt"
    rows = table()
    assert len(rows) == 2 * NUM_FRAMES
    for row in rows:
        of = bright_box if int(row["player"]) == bright["number"] else dark_box
        box = [float(row[name]) for name in ("x", "y", "width", "height")]
        assert box == pytest.approx(of(int(row["frame"])), abs=1.0)
        assert row["label"] == ("bright" if of is bright_box else "dark")


def test_the_video_has_every_frame_of_the_source(found, sources):
    index, _ = build_index("players/game/players.mp4")
    assert np.allclose(index.seconds, build_index(sources[0])[0].seconds, atol=1e-6)


def test_tracks_are_mot_rows_that_score_against_the_truth(found, tmp_path, capsys):
    truth = [
        f"{frame + 1},{number},{','.join(map(str, of(frame)))},1,1,1"
        for number, of in ((1, bright_box), (2, dark_box))
        for frame in range(NUM_FRAMES)
    ]
    (tmp_path / "gt.txt").write_text("\n".join(truth))
    capsys.readouterr()
    score = [
        "players",
        "score",
        "--tracks",
        "players/game",
        "--truth",
        "gt.txt",
        "--json",
        "s.json",
        "--quiet",
    ]
    assert main(score) == 0
    figures = json.dumps(content("s.json"))
    assert '"idf1": 1.0' in figures.lower()


def test_detections_on_every_fifth_frame_give_a_box_in_every_frame(bvas, tmp_path):
    sparse = write_detections(tmp_path / "sparse.txt", range(0, NUM_FRAMES, 5))
    assert bvas("--detections", sparse, "--no-actions", "--no-video") == 0
    rows = table()
    # The last detection is in frame 70.
    assert len(rows) == 2 * 71
    first = [row for row in rows if row["player"] == "1"]
    of = bright_box if float(first[0]["y"]) < 40 else dark_box
    for row in first:
        assert float(row["x"]) == pytest.approx(of(int(row["frame"]))[0], abs=1.5)
    assert {row["label"] for row in rows} == {""}


def test_weak_detections_begin_players_where_the_threshold_is_as_low(bvas, sources, tmp_path, capsys):
    (tmp_path / "weak.txt").write_text(sources[1].read_text().replace(",0.9,", ",0.2,"))
    words = ["--detections", "weak.txt", "--no-actions", "--no-video"]
    assert bvas(*words) == 0
    assert table() == []
    assert (
        "one begins with a detection of at least 0.5; --threshold P takes weaker ones"
        in capsys.readouterr().err
    )
    assert bvas(*words, "--threshold", "0.2") == 0
    assert len(table()) == 2 * NUM_FRAMES


def test_a_drawn_box_keeps_the_nearest_player_only(bvas, sources):
    # At 1.0 s the bright square is at 60; the box is drawn roughly.
    words = ["--detections", sources[1], "--no-actions", "--no-video", "--roi", "55,10,30,30@1.0"]
    assert bvas(*words) == 0
    assert {row["player"] for row in table()} == {"1"}
    assert float(table()[0]["y"]) == pytest.approx(12, abs=1)


def test_boxes_of_a_file_name_the_players(bvas, sources, tmp_path):
    rois = [
        {"name": "Bo", "seconds": 0.0, "frame": 0, "box": dark_box(0)},
        {"name": "Ann", "seconds": 0.0, "frame": 0, "box": bright_box(0)},
    ]
    (tmp_path / "rois.json").write_text(
        json.dumps({"format": "bvas-rois-1", "video": "game.mp4", "rois": rois})
    )
    assert bvas("--detections", sources[1], "--no-actions", "--no-video", "--rois", "rois.json") == 0
    assert [(one["number"], one["name"]) for one in content()["players"]] == [(1, "Bo"), (2, "Ann")]


def corrections(*edits):
    return json.dumps({"format": "bvas-players-corrections-1", "corrections": list(edits)})


def test_corrections_change_the_files_and_can_be_changed_again(bvas, found, tmp_path):
    (tmp_path / "c.json").write_text(
        corrections(
            {"edit": "name", "player": 1, "name": "Ann"},
            {"edit": "relabel", "player": 1, "seconds": 1.2, "label": "dark"},
            {"edit": "split", "player": 2, "frame": 40, "new": 3},
        )
    )
    assert bvas("--corrections", "c.json", "--no-video") == 0
    assert [(one["number"], one["name"]) for one in content()["players"]] == [(1, "Ann"), (2, ""), (3, "")]
    # Windows at 0.4, 1.2, 2.0, 2.8 s: 1.2 s reaches from 0.8 to 1.6 s.
    corrected = [row for row in table() if row["name"] == "Ann" and 21 <= int(row["frame"]) <= 39]
    assert {(row["label"], row["confidence"]) for row in corrected} == {("dark", "")}
    assert {row["player"] for row in table() if int(row["frame"]) < 40} == {"1", "2"}
    assert {row["player"] for row in table() if int(row["frame"]) >= 40} == {"1", "3"}
    # The next file is of the players as they were found, not as they are now.
    (tmp_path / "c.json").write_text(corrections({"edit": "remove", "player": 2}))
    assert bvas("--corrections", "c.json", "--no-video") == 0
    assert [(one["number"], one["name"]) for one in content()["players"]] == [(1, "")]


def test_corrections_need_results(bvas, tmp_path, capsys):
    (tmp_path / "c.json").write_text(corrections({"edit": "remove", "player": 2}))
    assert bvas("--corrections", "c.json") == 2
    assert "holds no players to correct" in capsys.readouterr().err


def test_the_page_chooses_before_and_corrects_after(bvas, sources, capsys):
    assert bvas("--choose") == 0
    page = Path("players/game/page/index.html")
    assert str(page) in capsys.readouterr().out
    before = page.read_text()
    assert bvas("--detections", sources[1], "--no-actions", "--no-video") == 0
    assert bvas("--choose") == 0
    assert page.read_text() != before


def test_boxes_of_another_video_are_refused(bvas, tmp_path, capsys):
    rois = [{"name": "", "seconds": 0.0, "frame": 0, "box": dark_box(0)}]
    (tmp_path / "rois.json").write_text(
        json.dumps({"format": "bvas-rois-1", "video": "other.mp4", "rois": rois})
    )
    assert bvas("--detector", "none", "--no-actions", "--rois", "rois.json") == 2
    assert "rois.json is of other.mp4, not of game.mp4" in capsys.readouterr().err


def test_corrections_go_with_a_video_that_was_renamed(bvas, found, sources, tmp_path):
    moved = tmp_path / "renamed.mp4"
    shutil.copy2(sources[0], moved)
    value = json.loads(corrections({"edit": "remove", "player": 2}))
    (tmp_path / "c.json").write_text(json.dumps({**value, "video": "renamed.mp4"}))
    assert bvas("--corrections", "c.json", "--out", "players/game", of=moved) == 0
    assert content()["video"]["path"] == str(moved)
    assert {row["player"] for row in table()} == {"1"}


def test_an_interrupted_drawing_leaves_no_video_of_earlier_results(bvas, found, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "c.json").write_text(corrections({"edit": "remove", "player": 2}))
    with monkeypatch.context() as patch:
        patch.setattr(players_output, "_draw", stop)
        with suppress(KeyboardInterrupt):
            bvas("--corrections", "c.json")
    assert {row["player"] for row in table()} == {"1"}
    assert not Path("players/game/players.mp4").exists()
    # The next page begins with these corrections, and the same command ends the work.
    assert content("players/game/uncorrected/players_corrections.json")["corrections"]
    assert bvas("--corrections", "c.json") == 0
    assert Path("players/game/players.mp4").exists()


def test_new_results_forget_corrections(bvas, found, sources, tmp_path):
    (tmp_path / "c.json").write_text(corrections({"edit": "remove", "player": 2}))
    assert bvas("--corrections", "c.json", "--no-video") == 0
    assert bvas("--detections", sources[1], "--no-actions", "--no-video") == 0
    assert not Path("players/game/uncorrected").exists()


def test_the_video_itself_is_never_replaced(bvas, sources, tmp_path, capsys):
    video = tmp_path / "players.mp4"
    shutil.copy2(sources[0], video)
    assert bvas("--detections", sources[1], "--no-actions", "--out", ".", of=video) == 2
    assert "would be replaced by the annotated video; take another --out" in capsys.readouterr().err
    assert video.read_bytes() == sources[0].read_bytes()


def test_a_page_of_what_is_not_a_video_leaves_no_folder(bvas, tmp_path, capsys):
    (tmp_path / "text.mp4").write_text("not a video")
    assert bvas("--choose", of=tmp_path / "text.mp4") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("players").exists()


def test_results_of_another_video_are_kept(bvas, found, tmp_path, capsys):
    other = make_video(tmp_path / "game.mp4")
    write_detections(tmp_path / "other.txt", range(10))
    assert bvas("--detections", "other.txt", "--no-actions", of=other) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert len(table()) == 2 * NUM_FRAMES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--detector", "none"], "--detector none follows drawn boxes, and none is given"),
        (
            ["--detector", "none", "--roi", "1,2,3,4", "--players", "2"],
            "--players limits what a detector finds",
        ),
        (["--detector", "yolo99", "--no-actions"], "unknown detector 'yolo99'"),
        (["--detections", "nothing.txt", "--no-actions"], "nothing.txt"),
        (["--choose", "--corrections", "c.json"], "take one of them"),
        (["--no-actions", "--model", "r3d_18"], "--no-actions needs no --experiment and no --model"),
        (["--detector-stride", "-1", "--no-actions"], "detector stride must be at least 0"),
        (["--every", "0", "--model", "r3d_18"], "every must be a positive number"),
        (["--players", "0", "--no-actions"], "max_players must be at least 1"),
        (["--every", "-1", "--no-actions"], "every must be a positive number"),
        (["--threshold", "2", "--no-actions"], "confidence of a detection must lie in [0, 1]"),
        (
            ["--detections", "det.txt", "--detector-stride", "0.5"],
            "--detector-stride is of a detector, and does not go with --detections",
        ),
        (
            ["--detector", "none", "--roi", "1,2,3,4", "--detector-stride", "0.1"],
            "--detector-stride is of a detector, and does not go with --detector none",
        ),
        (
            ["--roi", "300,5,10,10", "--no-actions"],
            "300,5,10,10 at 0.00 s lies outside of the picture of 200x96",
        ),
        (["--roi", "5,5,10,10@99", "--no-actions"], "a box is drawn at 99 s, and game.mp4 runs"),
    ],
)
def test_wrong_use_is_one_line_before_any_work(bvas, sources, words, said, capsys):
    if not any(
        word in words
        for word in ("--detector", "--detections", "--choose", "--detector-stride", "--threshold")
    ):
        words = [*words, "--detections", sources[1]]
    assert bvas(*words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_what_is_no_box_is_refused_by_the_option(bvas, capsys):
    with pytest.raises(SystemExit):
        bvas("--roi", "1,2,3")
    assert "is not a box; write X,Y,W,H" in capsys.readouterr().err


def test_a_missing_video_is_one_line(bvas, capsys):
    assert bvas("--no-actions", of="none.mp4") == 2
    assert "no file none.mp4" in capsys.readouterr().err
