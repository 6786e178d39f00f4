"""Matches that a manifest lists, and their shares."""

from pathlib import Path

import pytest

from bvas.data.matches import Match
from bvas.errors import ConfigError, DataError
from bvas.predicting.assignments import share_of
from bvas.predicting.manifest import assign_manifest, read_manifest

MATCHES = [Match(f"league/m{n}", Path(f"data/league/m{n}"), n) for n in range(3)]
MATCHES.append(Match("league/final", Path("data/league/final"), None))


def _assign(tmp_path, text, folds=(0, 1, 2)):
    path = tmp_path / "list.txt"
    path.write_text(text)
    return assign_manifest(path, lambda: MATCHES, folds, Path("p"))


def test_labelled_matches_get_the_model_that_has_not_seen_them_and_all_others_the_mean(tmp_path):
    text = "# the cup\n\nleague/m1\n  league/final  \ncup/one.mp4\nleague/m1\n"
    found = _assign(tmp_path, text)
    assert [(a.name, a.folds, a.out.as_posix()) for a in found] == [
        ("league/m1", (1,), "p/cv"),
        ("league/final", (0, 1, 2), "p/challenge"),
        ("cup/one.mp4", (0, 1, 2), "p/videos"),
    ]


def test_a_video_has_one_name_however_its_path_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = _assign(tmp_path, f"cup/one.mp4\n{tmp_path}/cup/one.mp4\n./cup/../cup/one.mp4\n/other/one.mp4\n")
    assert [a.name for a in found] == ["cup/one.mp4", "other/one.mp4"]


def test_two_files_whose_results_would_lie_in_one_folder_are_refused_and_two_names_of_one_are_not(
    tmp_path, monkeypatch
):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "one.mp4").touch()
    # The path of the other from here, as it is from the root.
    same = Path(*elsewhere.parts[1:])
    (here / same).mkdir(parents=True)
    monkeypatch.chdir(here)
    text = f"{same}/one.mp4\n{elsewhere}/one.mp4\n"
    message = (
        rf"line 2 of .*: results of {elsewhere}/one.mp4 would replace those of {same}/one.mp4, .* rename or"
    )
    with pytest.raises(ConfigError, match=message):
        _assign(tmp_path, text)

    (here / same / "one.mp4").symlink_to(elsewhere / "one.mp4")
    assert len(_assign(tmp_path, text)) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_all_shards_together_are_exactly_the_manifest(tmp_path, count):
    everything = _assign(tmp_path, "".join(f"videos/{n}.mp4\n" for n in range(23)))
    shares = [share_of(everything, (number, count)) for number in range(1, count + 1)]
    names = [assignment.name for share in shares for assignment in share]
    assert len(names) == 23
    assert set(names) == {f"videos/{n}.mp4" for n in range(23)}
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("league/m0\nleage/m1\n", r"line 2 of .*'leage/m1' is neither a match .*did you mean 'league/m1'\?"),
        ("rtsp://camera/1.mp4", "line 1 .*is neither a match of the data nor a video file"),
        (
            "league/m2",
            "line 1 .*held out by fold 2, which is not trained or not among --folds; trained are: 0, 1",
        ),
    ],
)
def test_a_line_that_cannot_be_predicted_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        _assign(tmp_path, text, folds=(0, 1))


def test_a_manifest_that_lists_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="is empty"):
        _assign(tmp_path, "# nothing yet\n")
    with pytest.raises(DataError, match="no manifest"):
        assign_manifest(tmp_path / "none.txt", lambda: MATCHES, (0,), Path("p"))


def test_the_data_root_is_not_looked_at_for_videos_alone(tmp_path):
    def find():
        raise AssertionError

    (tmp_path / "list.txt").write_text("a.mp4\n")
    assert len(assign_manifest(tmp_path / "list.txt", find, (0,), Path("p"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# season\nb.mp4\nc, d.mp4\n",
        "\ufeffb.mp4\r\nc, d.mp4\r\n",
        'Video\nb.mp4\n"c, d.mp4"\n',
        "id;Video;kickoff\n1;b.mp4;0,5\n2;c, d.mp4;1\n;;\n",
        'b.mp4\r"c, d.mp4"\r',
    ],
    ids=["list", "BOM and CRLF", "a column", "a table", "CR and quotes"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_manifest_is_a_list_or_a_column_of_a_table(tmp_path, text, encoding):
    (tmp_path / "m.txt").write_bytes(text.encode(encoding))
    assert [entry for _, entry in read_manifest(tmp_path / "m.txt")] == ["b.mp4", "c, d.mp4"]
