"""Data of the players page, and what it refuses."""

import base64
import json
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from players_page_samples import NUM_FRAMES, SIZE, sample_players, write_sample_page

from bvas.errors import DataError
from bvas.players.players_result import Player, PlayersResult
from bvas.report.page import page_document
from bvas.report.players_page import SCRIPTS, players_page_data, write_players_page
from bvas.results.frame_times import FrameTimes
from bvas.tracking.tracks import Track
from bvas.video.encode.browser_preview import PreviewConfig

FRAMES = FrameTimes.even(4.0, Fraction(10))


def steps(packed):
    return np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib"])), np.int32)


def test_boxes_are_packed_as_steps_of_quarter_pixels():
    data = players_page_data(sample_players(), Path("game.mp4"), FRAMES, SIZE, href="game.mp4")
    fourth = data["players"][3]
    frames = np.cumsum(steps(fourth["frames"]))
    assert frames.tolist() == [*range(5, 12), *range(16, 31)]
    boxes = np.cumsum(steps(fourth["boxes"]).reshape(4, -1), axis=1) / 4
    assert boxes[:, 0].tolist() == [205, 40.5, 30, 80]
    assert boxes[:, -1].tolist() == [230, 40.5, 30, 80]
    # Windows at 1.8, 2.2, ... s, in frames 18, 22, ... of player 3.
    third = data["players"][2]["actions"]
    assert third["frame"] == [18, 22, 26, 30, 34, 38]
    assert third["label"] == [2, 1, 0, 0, 1, 0]
    assert third["confidence"] == [0.75] * 6


def test_the_identity_follows_video_and_tracks_and_the_command_is_quoted():
    data = [
        players_page_data(result, Path(name), FRAMES, SIZE, href="x.mp4")
        for result, name in (
            (sample_players(), "a b.mp4"),
            (replace(sample_players(), experiment="other"), "a b.mp4"),
            (None, "a b.mp4"),
            (sample_players(), "b.mp4"),
            (replace(sample_players(), players=sample_players().players[1:]), "a b.mp4"),
        )
    ]
    assert data[0]["id"] == data[1]["id"]
    assert len({one["id"] for one in data}) == 4
    assert data[0]["command"] == "bvas players 'a b.mp4' --corrections"
    assert data[2]["command"] == "bvas players 'a b.mp4' --rois"


def test_players_of_another_video_are_refused(tmp_path):
    path = write_sample_page(tmp_path, "choose").parents[1] / "game.mp4"
    for change in ({"num_frames": NUM_FRAMES + 1}, {"size": (90, 160)}):
        with pytest.raises(DataError, match=r"has 40 of 320x180; track it again"):
            write_players_page(
                tmp_path / "page",
                replace(sample_players(path), **change),
                path,
                link=False,
                config=PreviewConfig(),
                progress=lambda name: pytest.fail("no preview is made"),
            )


def test_twenty_minutes_of_ten_players_are_a_small_page():
    rng = np.random.default_rng(0)
    frames = FrameTimes.even(1200.0, Fraction(25))
    players = []
    for number in range(1, 11):
        boxes = np.array([200, 200, 1000, 1000]) + rng.normal(0, 1.0, (frames.num_frames, 4)).cumsum(axis=0)
        track = Track(
            number=number,
            frames=np.arange(frames.num_frames),
            seconds=frames.seconds,
            boxes=boxes,
            scores=np.ones(frames.num_frames, np.float32),
        )
        players.append(Player(track=track))
    result = PlayersResult(
        path=Path("game.mp4"),
        size=SIZE,
        num_frames=frames.num_frames,
        players=tuple(players),
        labels=(),
        every=0.8,
    )
    data = players_page_data(result, Path("game.mp4"), frames, SIZE, href="game.mp4")
    # 300,000 boxes of four numbers: about a byte and a half for each number.
    assert len(json.dumps(data)) < 2 * 2**20


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path):
    page = write_sample_page(tmp_path, "choose")
    text = page.read_text()
    assert "default-src 'none'" in text
    assert "<script src" not in text
    assert '<link rel="stylesheet' not in text
    assert sorted(path.name for path in page.parent.iterdir()) == ["game.mp4", "index.html"]
    # Names of players are data, and cannot end the script.
    result = sample_players()
    evil = replace(result, players=(replace(result.players[0], name="</script><b>"),))
    data = players_page_data(evil, Path("game.mp4"), FRAMES, SIZE, href="game.mp4")
    document = page_document("t", data, body="players.html", styles=(), scripts=SCRIPTS)
    assert document.count("</script>") == 2
