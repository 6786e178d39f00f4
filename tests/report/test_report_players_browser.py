"""The page of players in a real browser: tracks corrected by mouse and by key, the file as what the page shows."""

import json

import numpy as np
import pytest
from browser_page import opened, told_frame, until
from players_page_samples import (
    LABELS,
    all_boxes_of,
    all_boxes_shown,
    boxes_shown,
    on_screen,
    press,
    sample_players,
    saved_file,
    write_sample_page,
)

from bvas.errors import DataError
from bvas.players.corrections import (
    EDITS,
    Merge,
    PlayersCorrections,
    Rename,
    apply_corrections,
    read_corrections,
    tracks_fingerprint,
)
from bvas.players.edited_players import EditedPlayers
from bvas.report.page import _source
from bvas.report.players_page import _player


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_sample_page(tmp_path_factory.mktemp("players"), "correct")


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as page:
        yield page


CORRECTIONS = [
    {"edit": "merge", "player": 3, "into": 2},
    {"edit": "split", "player": 1, "frame": 30, "new": 5},
    {"edit": "swap", "players": [2, 4], "frame": 18},
    {"edit": "name", "player": 2, "name": "LeBron"},
    {"edit": "relabel", "player": 1, "seconds": 0.6, "label": "shoot"},
    {"edit": "remove", "player": 5},
]


def click_box(page, number):
    x, y, width, height = next(box for one, _, box in boxes_shown(page) if one == number)
    page.mouse.click(*on_screen(page, x + width / 2, y + height / 2))


def click_row(page, number):
    page.locator(f"#players .player:has(.name:text-matches('^{number}( |$)'))").click()


def check_saved(page, corrections, by_key=False):
    """The file has these corrections, and applied they give what the page shows in each frame."""
    path, content = saved_file(page, by_key)
    result = sample_players()
    assert content == {
        "format": "bvas-players-corrections-1",
        "video": "game.mp4",
        "tracks": tracks_fingerprint(result),
        "corrections": corrections,
    }
    corrected = apply_corrections(result, read_corrections(path))
    assert all_boxes_shown(page) == all_boxes_of(corrected)
    names = page.locator("#players .name").all_inner_texts()
    assert names == [f"{one.number} {one.name}".strip() for one in corrected.players]
    counts = page.locator("#players .more").all_inner_texts()
    assert [int(text.split()[-2]) for text in counts] == [len(one.actions) for one in corrected.players]
    return corrected


def test_the_page_shows_boxes_and_actions_of_every_frame_as_the_table_has_them(page, path):
    assert all_boxes_shown(page) == all_boxes_of(sample_players())
    assert page.locator("#players .player").first.get_attribute("aria-label") == (
        "1 Ann, 00:00.00 to 00:04.00, 9 actions"
    )
    assert page.locator("#players .player").last.get_attribute("aria-label") == (
        "4, 00:00.50 to 00:03.10, 1 gap, 0 actions"
    )


def test_tracks_are_corrected_by_mouse(page, path):
    press(page, "ArrowRight*18")
    click_box(page, 2)
    page.click("#merge")
    click_box(page, 3)
    assert (
        page.inner_text("#told") == "Player 3 is merged into 2. In 4 frames both had a box: that of 2 stays."
    )
    for _ in range(12):
        page.click("#forward")
    click_box(page, 1)
    page.click("#split")
    for _ in range(12):
        page.click("#back")
    click_row(page, 2)
    page.click("#swap")
    click_row(page, 4)
    assert told_frame(page) == 18
    click_row(page, 2)
    page.fill("#name", " LeBron ")
    page.click("#chosen")  # leaves the field
    click_row(page, 1)
    page.locator("#seek").fill("6")
    page.select_option("#relabel", "shoot")
    click_row(page, 5)
    page.click("#remove")
    corrected = check_saved(page, CORRECTIONS)
    assert [one.number for one in corrected.players] == [1, 2, 4]
    assert page.inner_text("#command") == (
        f"Apply it: bvas players {path.parents[1] / 'game.mp4'} --corrections players_corrections.json"
    )


def test_tracks_are_corrected_by_key(page, path):
    press(page, "ArrowDown*2", "m", "ArrowDown", "Enter")
    press(page, "ArrowUp", "End", "ArrowLeft*9", "s")
    press(page, "ArrowLeft*12", "ArrowDown", "x", "ArrowDown", "Enter")
    press(page, "n")
    page.keyboard.type("LeBron")
    press(page, "Enter", "ArrowUp", "Home", ".", "3")
    press(page, "ArrowDown*3", "d")
    check_saved(page, CORRECTIONS, by_key=True)


def test_every_step_is_undone_and_done_again_and_outlives_a_reload(page, path):
    press(page, "ArrowDown*2", "m", "ArrowDown", "Enter", "ArrowUp", "ArrowRight*30", "s", "d", "1")
    assert page.inner_text("#summary") == "3 corrections"
    assert page.inner_text("#warning") == "Choose a player first: click a box or a row."
    press(page, "Control+z")
    assert page.inner_text("#told") == "Undone: remove 1."
    press(page, "u*2", "u")
    assert page.inner_text("#told") == "Nothing to undo."
    assert all_boxes_shown(page) == all_boxes_of(sample_players())
    press(page, "Control+Shift+z*2")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#told") == "From your last visit: 2 corrections."
    check_saved(page, CORRECTIONS[:2])


def test_a_saved_file_is_loaded_and_another_is_not(page, path, tmp_path):
    result = sample_players()
    content = {
        "format": "bvas-players-corrections-1",
        "video": "game.mp4",
        "tracks": tracks_fingerprint(result),
    }
    file = tmp_path / "c.json"
    wrong = [
        ({"format": "bvas-rois-1"}, "it holds no corrections of players"),
        ({"video": "other.mp4"}, "it is of other.mp4, not of game.mp4"),
        ({"tracks": "0" * 16}, "it was made for other tracks of this video"),
        ({"corrections": [CORRECTIONS[0], CORRECTIONS[0]]}, "correction 2: no player 3 at this point"),
        ({"corrections": [{"edit": "join"}]}, "correction 1: join is not an edit: merge, split, swap, name"),
    ]
    for change, message in wrong:
        file.write_text(json.dumps({**content, "corrections": CORRECTIONS, **change}))
        page.set_input_files("#file", file)
        until(page, "document.querySelector('#warning').textContent !== ''")
        assert f"Not loaded: {message}" in page.inner_text("#warning")
        press(page, "Escape")
        assert page.inner_text("#summary") == "No corrections yet."
    file.write_text(json.dumps({**content, "corrections": CORRECTIONS}))
    page.set_input_files("#file", file)
    until(page, "document.querySelector('#summary').textContent === '6 corrections'")
    check_saved(page, CORRECTIONS)


def test_what_cannot_be_done_is_said_and_changes_nothing(page):
    press(page, "s")
    assert page.inner_text("#warning") == "Choose a player first: click a box or a row."
    press(page, "ArrowDown", "s")
    assert page.inner_text("#warning") == "Not done: player 1 has no box before frame 0."
    press(page, "m", "Enter")
    assert page.inner_text("#warning") == "Pick the other player first: click one, or press ↓."
    click_row(page, 1)
    assert page.inner_text("#warning") == "That is the chosen player; take another."
    press(page, "Escape", "ArrowDown*3", "End", "x", "ArrowUp*2", "Enter")
    assert page.inner_text("#warning") == "Not done: players 4 and 2 have no box from frame 39 on."
    assert page.inner_text("#summary") == "No corrections yet."


def test_a_page_begins_with_the_corrections_that_it_is_given(browser, tmp_path):
    edits = (Merge(player=3, into=2), Rename(player=2, name="Bea"))
    path = write_sample_page(tmp_path, "correct", corrections=PlayersCorrections(edits=edits))
    with opened(browser, path) as page:
        assert page.inner_text("#summary") == "2 corrections"
        expected = [
            {"edit": "merge", "player": 3, "into": 2},
            {"edit": "name", "player": 2, "name": "Bea"},
        ]
        check_saved(page, expected)


def test_lanes_choose_a_player_and_go_to_a_time(page):
    lanes = page.locator("#lanes canvas").bounding_box()
    # The third lane; 30 pixels each below the axis of 20. The middle of the time is frame 20.
    gutter = 104
    page.mouse.click(lanes["x"] + gutter + (lanes["width"] - gutter) / 2, lanes["y"] + 20 + 2.5 * 30)
    assert told_frame(page) in (19, 20)
    assert page.inner_text("#chosen").startswith("3 · ")
    press(page, "+", "+", "-")
    press(page, "End")
    head = page.locator("#lanes .head").bounding_box()
    assert lanes["x"] + gutter <= head["x"] <= lanes["x"] + lanes["width"]


def test_the_page_is_usable_on_a_telephone(browser, path):
    with opened(browser, path, has_touch=True) as page:
        page.set_viewport_size({"width": 400, "height": 800})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        until(page, "document.querySelector('#boxes').clientWidth === 400")
        x, y, width, height = boxes_shown(page)[1][2]
        page.touchscreen.tap(*on_screen(page, x + width / 2, y + height / 2))
        assert page.inner_text("#chosen").startswith("2 · ")
        page.tap("#merge")
        page.locator("#players .player").nth(2).tap()
        assert saved_file(page)[1]["corrections"] == CORRECTIONS[:1]


def test_help_lists_the_keys_of_the_mode(page):
    press(page, "?")
    keys = page.locator("#keys dt").all_inner_texts()
    assert {"M", "X", "S", "N", "1 … 9"} <= set(keys)
    assert "B" not in keys


def random_edit(rng):
    numbers = [int(number) for number in rng.integers(1, 8, 2)]
    frame = int(rng.integers(0, 42))
    kind = list(EDITS)[rng.integers(len(EDITS))]
    return {"edit": kind} | {
        "merge": {"player": numbers[0], "into": numbers[1]},
        "split": {"player": numbers[0], "frame": frame, "new": int(rng.integers(4, 9))},
        "swap": {"players": numbers, "frame": frame},
        "name": {"player": numbers[0], "name": str(rng.integers(3))},
        "remove": {"player": numbers[0]},
        "relabel": {
            "player": numbers[0],
            "seconds": round(0.2 + 0.4 * int(rng.integers(0, 10)), 6),
            "label": ("run", "shoot", "fly")[rng.integers(3)],
        },
    }[kind]


def plain(players):
    return [
        [
            one.number,
            one.name,
            one.track.frames.tolist(),
            one.track.boxes[:, 0].tolist(),
            [[action.seconds, action.label, action.confidence] for action in one.actions],
        ]
        for one in players
    ]


RUN = """async ([data, edits]) => {
  const frames = { count: data.count, start: (frame) => frame / 10, duration: data.count / 10 };
  const [table, first] = await PlayersTable.from(data, frames);
  let state = first;
  const done = [];
  for (const edit of edits) {
    try { state = applyEdit(table, state, edit); done.push(true); } catch { done.push(false); }
  }
  const players = [...state.players.values()].sort((a, b) => a.number - b.number);
  return [done, players.map((one) => [
    one.number, one.name, Array.from(one.rows, (row) => table.frames[row]),
    Array.from(one.rows, (row) => table.boxes[4 * row] / 4),
    one.actions.map(({ seconds, label, confidence }) => [seconds, label, confidence]),
  ])];
}"""


def test_random_edits_end_as_in_python(browser, path):
    result = sample_players()
    data = {
        "count": 40,
        "labels": LABELS,
        "every": 0.4,
        "players": [_player(one, LABELS) for one in result.players],
    }
    rng = np.random.default_rng(7)
    context = browser.new_context()
    page = context.new_page()
    script = "".join(map(_source, ("data.js", "players_edits.js", "players_table.js")))
    page.add_script_tag(content=script)
    counts = dict.fromkeys(EDITS, 0)
    for _ in range(60):
        edits = [random_edit(rng) for _ in range(12)]
        players, done = EditedPlayers(result), []
        for edit in edits:
            values = {key: value for key, value in edit.items() if key != "edit"}
            try:
                EDITS[edit["edit"]](**values).apply(players)
                done.append(True)
                counts[edit["edit"]] += 1
            except DataError:
                done.append(False)
        assert page.evaluate(RUN, [data, edits]) == [done, plain(players.players())]
    # Each kind was possible often.
    assert min(counts.values()) > 10
    context.close()
