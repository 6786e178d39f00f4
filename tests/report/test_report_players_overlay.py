"""Annotated video of players, read back and compared with its table."""

import csv
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from player_samples import LABELS, is_colored, jumping_boxes, result_of, track_of
from sound_samples import make_video_with_sound as make_sound
from video_samples import damage, make_video

from bvas.errors import ConfigError, DataError
from bvas.players.player_files import record_of, write_players
from bvas.players.players_result import Player, PlayerAction, PlayerRow
from bvas.report.annotated_video import CanvasConfig
from bvas.report.player_drawing import PlayerDrawing, style_of
from bvas.report.players_overlay import write_players_overlay
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

SMALL = CanvasConfig(min_height=360)


def shown_in(path):
    """(time in seconds, RGB picture) of each frame."""
    with av.open(str(path)) as container:
        return [(frame.time, rgb_of(frame)) for frame in container.decode(video=0)]


def rgb_of(frame):
    return frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()


def table_of(result, folder):
    """Rows of players.csv by frame."""
    write_players(folder, result, record_of(result.path))
    rows = defaultdict(list)
    with (folder / "players.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            box = {name: float(row[name]) for name in ("x", "y", "width", "height")}
            rows[int(row["frame"])].append(
                PlayerRow(
                    frame=int(row["frame"]),
                    seconds=float(row["seconds"]),
                    player=int(row["player"]),
                    name=row["name"],
                    **box,
                    label=row["label"],
                    confidence=None,
                )
            )
    return rows


def extent(line):
    """The first pixel of a line with the color, and the first behind the last."""
    (places,) = np.nonzero(line)
    return places.min(), places.max() + 1


def box_in(picture, row, rect):
    """Left, top, right and bottom of the colored box, seen along its middle row and a column right of its caption."""
    height, width = picture.shape[:2]
    across = is_colored(picture[min((rect.top + rect.bottom) // 2, height - 1)], row.player)
    down = is_colored(picture[:, min(rect.right - 12, width - 1)], row.player)
    (left, right), (top, bottom) = extent(across), extent(down)
    return np.array([left, top, right, bottom])


def caption_distance(picture, drawing, row, rect, label):
    """Mean difference in brightness of the picture to the caption with a label, above the box or else below it."""
    plate = drawing.plate(replace(row, label=label))
    height, width = plate.shape[:2]
    top = rect.top - height if rect.top >= height else rect.bottom
    left = min(max(rect.left, 0), picture.shape[1] - width)
    place = picture[top : top + height, left : left + width]
    return np.abs((place.astype(float) - plate) @ (0.2126, 0.7152, 0.0722)).mean()


def check_frame(picture, drawing, rows):
    for row in rows:
        rect = drawing.rect_of(row)
        assert np.abs(box_in(picture, row, rect) - rect).max() <= 2, (row, rect)
        found = {label: caption_distance(picture, drawing, row, rect, label) for label in (*LABELS, "")}
        assert min(found, key=found.get) == row.label, (row, found)
        assert found[row.label] < 12


def check_copy(result, tmp_path, *, config=SMALL, most=50, **options):
    """Draw, read back, and compare frames with the table; return the copy."""
    made = tmp_path / "players.mp4"
    overlay = write_players_overlay(made, result, config=config, **options)
    rows = table_of(result, tmp_path / "out")
    pictures = shown_in(made)
    assert overlay.num_frames == len(pictures)
    seconds = build_index(result.path)[0].seconds
    numbers = np.random.default_rng(5).permutation(len(pictures))[:most]
    drawing = PlayerDrawing(pictures[0][1].shape[:2], result.size)
    for number in numbers.tolist():
        time, picture = pictures[number]
        assert time == pytest.approx(seconds[number], abs=1e-3)
        check_frame(picture, drawing, rows[number])
    return pictures


def packets_of(path):
    """(time, content) of each packet of sound from time 0 on; an encoder's priming lies before it."""
    with av.open(str(path)) as container:
        found = [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(audio=0)
            if packet.size
        ]
    return [(float(time), content) for time, content in found if time >= 0]


def gray_video(path, num_frames, size=(180, 320)):
    with VideoWriter(path, size=size, rate=25) as writer:
        for _ in range(num_frames):
            writer.write(np.full(size, 120, np.uint8))
    return path


def test_at_50_random_frames_box_and_label_are_those_of_the_table_and_the_sound_is_the_sources(tmp_path):
    source = make_sound(tmp_path / "game.mp4", num_frames=100, size=(180, 320))
    check_copy(result_of(source), tmp_path)
    sounds = [packets_of(path) for path in (tmp_path / "players.mp4", source)]
    assert [content for _, content in sounds[0]] == [content for _, content in sounds[1]]
    assert [time for time, _ in sounds[0]] == pytest.approx([time for time, _ in sounds[1]], abs=1e-4)
    assert len(sounds[0]) > 100


@pytest.mark.parametrize(
    "options",
    [
        {"size": (180, 320), "rotation": 90},
        {"size": (180, 320), "rotation": 180, "mirrored": True},
        {"size": (180, 320), "rate": 50},
        {"size": (180, 320), "sample_aspect": Fraction(4, 3)},
        {"size": (180, 320), "sample_aspect": Fraction(3, 4)},
        {"size": (120, 160)},
        {
            "size": (180, 320),
            "times": np.cumsum([500, 1000, 3003, 900, 8000, 4000, 700, 9000] * 3).tolist(),
            "time_base": Fraction(1, 90_000),
        },
    ],
    ids=["turned", "mirrored", "50 fps", "wide samples", "narrow samples", "tiny", "variable rate"],
)
def test_boxes_and_labels_stay_with_the_picture(tmp_path, options):
    options = {"num_frames": 24, "options": {"bf": "0"}, **options}
    source = make_video(tmp_path / "game.mp4", **options)
    check_copy(result_of(source), tmp_path, most=12)


def test_non_square_samples_are_widened_and_a_turned_picture_stands(tmp_path):
    wide = make_video(
        tmp_path / "wide.mp4",
        num_frames=2,
        size=(180, 320),
        sample_aspect=Fraction(4, 3),
        options={"bf": "0"},
    )
    turned = make_video(
        tmp_path / "turned.mp4", num_frames=2, size=(180, 320), rotation=90, options={"bf": "0"}
    )
    assert [check_copy(result_of(path), tmp_path)[0][1].shape for path in (wide, turned)] == [
        (360, 852, 3),
        (640, 360, 3),
    ]


def test_a_picture_of_160x120_is_enlarged_so_that_captions_can_be_read(tmp_path):
    source = make_video(tmp_path / "game.mp4", num_frames=3, size=(120, 160), options={"bf": "0"})
    pictures = check_copy(result_of(source), tmp_path, config=None)
    assert pictures[0][1].shape == (600, 800, 3)


def test_of_a_range_the_first_frame_has_its_own_boxes(tmp_path):
    result = result_of(gray_video(tmp_path / "game.mp4", 20))
    made = write_players_overlay(tmp_path / "a.mp4", result, from_seconds=0.32, to_seconds=0.56, config=SMALL)
    assert made.num_frames == 6
    drawing = PlayerDrawing((360, 640), result.size)
    rows = table_of(result, tmp_path / "out")
    for number, (_, picture) in enumerate(shown_in(tmp_path / "a.mp4"), 8):
        check_frame(picture, drawing, rows[number])


def test_behind_frames_that_cannot_be_decoded_boxes_are_those_of_their_frames(tmp_path):
    source = make_video(tmp_path / "game.mp4", num_frames=20, size=(180, 320), options={"bf": "0", "g": "1"})
    result = result_of(source)
    damage(source, [8, 9])
    made = write_players_overlay(tmp_path / "a.mp4", result, config=SMALL)
    assert made.lost == (range(8, 10),)
    drawing = PlayerDrawing((360, 640), result.size)
    rows = table_of(result, tmp_path / "out")
    for time, picture in shown_in(tmp_path / "a.mp4")[10:]:
        check_frame(picture, drawing, rows[round(time * 25)])


def test_a_frame_in_which_a_player_is_unseen_shows_nothing_of_him(tmp_path):
    result = result_of(gray_video(tmp_path / "game.mp4", 12), names=("",))
    seconds = np.arange(12) / 25
    seen = [0, 1, 2, 6, 7, 11]
    boxes = jumping_boxes(np.random.default_rng(0), len(seen), 0, 320, 180)
    player = Player(track=track_of(1, seen, seconds, boxes))
    write_players_overlay(tmp_path / "a.mp4", replace(result, players=(player,)), config=SMALL)
    shown = [is_colored(picture, 1).sum() > 50 for _, picture in shown_in(tmp_path / "a.mp4")]
    assert [number for number, there in enumerate(shown) if there] == seen


def test_a_video_without_players_is_copied_as_it_is(tmp_path):
    result = replace(result_of(gray_video(tmp_path / "game.mp4", 5)), players=())
    write_players_overlay(tmp_path / "a.mp4", result, config=SMALL)
    assert all(np.ptp(picture) <= 2 for _, picture in shown_in(tmp_path / "a.mp4"))


def test_each_of_60_players_has_his_box_in_his_color(tmp_path):
    source = gray_video(tmp_path / "game.mp4", 3, size=(540, 960))
    seconds = np.arange(3) / 25
    players = []
    for number in range(1, 61):
        row, column = divmod(number - 1, 10)
        box = [column * 95 + 8.0, row * 84 + 48.0, 60.0, 36.0]
        action = PlayerAction(seconds=0.0, label=LABELS[number % 3], confidence=0.5)
        track = track_of(number, range(3), seconds, [box] * 3)
        players.append(Player(track=track, actions=(action,)))
    result = replace(result_of(source), players=tuple(players), every=1.0)
    write_players_overlay(tmp_path / "a.mp4", result)
    _, picture = shown_in(tmp_path / "a.mp4")[-1]
    drawing = PlayerDrawing(picture.shape[:2], result.size)
    for row in list(result.rows())[-60:]:
        left, top, right, bottom = drawing.rect_of(row)
        inner = is_colored(picture[top + 4 : bottom - 4, left:right], row.player)
        sides = inner[:, :3].any(axis=1).mean(), inner[:, -3:].any(axis=1).mean()
        share = {"solid": 0.9, "dashed": 0.35, "dotted": 0.12}[style_of(row.player)]
        assert min(sides) > share, row


def test_players_of_another_video_are_refused(tmp_path):
    result = result_of(gray_video(tmp_path / "game.mp4", 5))
    other = gray_video(tmp_path / "other.mp4", 4)
    with pytest.raises(
        DataError, match=r"other\.mp4 has 4 frames of 320x180, .* in 5 frames of 320x180; find them"
    ):
        write_players_overlay(tmp_path / "a.mp4", replace(result, path=other))
    assert not (tmp_path / "a.mp4").exists()


def test_an_interruption_leaves_no_file_and_progress_is_told(tmp_path):
    result = result_of(gray_video(tmp_path / "game.mp4", 5))
    calls = []

    def stop(*counts):
        calls.append(counts)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_players_overlay(tmp_path / "a.mp4", result, progress=stop)
    assert calls == [(1, 5), (2, 5), (3, 5)]
    assert [path.name for path in tmp_path.iterdir()] == ["game.mp4"]


def test_a_range_without_frames_is_refused(tmp_path):
    result = result_of(gray_video(tmp_path / "game.mp4", 5))
    with pytest.raises(ConfigError, match=r"runs from 0 s to 0\.200 s"):
        write_players_overlay(tmp_path / "a.mp4", result, from_seconds=1.0)
