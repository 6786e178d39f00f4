"""Tables of figures in the documentation: those of the results, and what a GPU's results make of them."""

import json
import shutil
from pathlib import Path

import pytest
from script_modules import load_script

from bvas.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


figures = load_script("fill_figures")
TABLES = figures.read_tables(ROOT / "scripts" / "figures.toml")


def result(content):
    return figures.Result(Path("some--2-core-cpu.json"), content)


def spread(median):
    return {"median": median, "first_quartile": median, "third_quartile": median}


@pytest.fixture
def copy(tmp_path):
    """Return a root with the pages and their results."""
    (tmp_path / "docs").mkdir()
    for page in {table.page for table in TABLES.values()}:
        shutil.copy(ROOT / page, tmp_path / page)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    return tmp_path


def test_the_pages_hold_the_figures_of_the_results():
    assert figures.main(["--check"]) == 0


def test_a_figure_that_was_edited_by_hand_is_found(copy, capsys):
    page = copy / "README.md"
    page.write_text(page.read_text().replace("| 1, 7.6 |", "| 1, 7.7 |"))
    assert figures.main(["--check"], copy) == 1
    assert "README.md: holds other figures than the results" in capsys.readouterr().out
    assert figures.main([], copy) == 0
    assert page.read_text() == (ROOT / "README.md").read_text()


def test_the_first_results_of_a_gpu_fill_the_rows_that_wait_for_them(copy, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    made_up = {
        "spot-file": {
            "is_complete": True,
            "rows": [
                {
                    "case": "summary",
                    "times_real_time": spread(12.34),
                    "seconds_a_match": spread(437.6),
                    "times_seed": spread(5.0),
                },
                *({"case": f"part: {part}", "share_of_ours": spread(0.25)} for part in ("2D", "3D", "rest")),
            ],
        },
        "nvdec-facts": {"is_complete": True, "answers": {"exact": {"exact": True}}},
        "train-batch-4": {"is_complete": False, "runs": []},
        "gpu-check": {"machine": "nvidia-h200"},
    }
    for name, content in made_up.items():
        (out / f"{name}--nvidia-h200.json").write_text(json.dumps(content))
    waiting = (copy / "docs" / "performance.md").read_text()
    assert "| waits for a GPU: `scripts/gpu_check.sh OUT spot-file` |" in waiting
    assert "GPU" not in (copy / "README.md").read_text().split("| what | ")[1].splitlines()[0]

    assert figures.main([str(out)], copy) == 0

    readme, page = ((copy / name).read_text() for name in ("README.md", "docs/performance.md"))
    assert "| what | 2 CPU cores | NVIDIA H200 | file |" in readme
    name = "spot-file--nvidia-h200.json"
    assert f" |  | 12.3; 438 s | [{name}](benchmarks/results/{name}) |" in readme
    assert f"| 12.3; 438 s; 5.0 | `{name}` |" in page
    assert f"| 25 %; 25 %; 25 % | `{name}` |" in page
    assert "| NVDEC's frames equal the CPU's, H.264 and HEVC | yes |" in page
    assert "OUT spot-file" not in page
    # It was ended before it had a result.
    assert "| waits for a GPU: `scripts/gpu_check.sh OUT train-batch-4` |" in page
    assert not (copy / "benchmarks" / "results" / "gpu-check--nvidia-h200.json").exists()


def test_a_gpu_has_its_own_table_where_the_columns_are_cases():
    row = figures.Row(what="ours", file="decode", cells=("{rows[case=a]/x:.1f}",))
    table = figures.Table(page="page.md", rows=(row,), columns=("one",))
    results = {
        "decode": {
            machine: figures.Result(Path(f"decode--{machine}.json"), {"rows": [{"case": "a", "x": x}]})
            for machine, x in (("2-core-cpu", 1.5), ("nvidia-h200", 2.5))
        }
    }
    assert figures.table_text(table, results).split("\n\n") == [
        "2 CPU cores (`decode--2-core-cpu.json`):",
        "|  | one |\n|---|---|\n| ours | 1.5 |",
        "NVIDIA H200 (`decode--nvidia-h200.json`):",
        "|  | one |\n|---|---|\n| ours | 2.5 |\n",
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("{rows[case=a]/x:.1f} s", "1.0 s"),
        ("{rows[case=b;kind=2]/x:.0%}", "300 %"),
        ("{rows[each kind=*]/x:.2f}", "2.00 +- 1.41"),
        ("{rows[each kind=*]/x:.0f range}", "1 to 3"),
        ("{rows[case=b]/x - rows[case=a]/x + rows[case=a]/x:.0f}", "3"),
        ("{rows[each kind=*]/x - rows[each kind=*]/y:+.1f}", "-1.0 +- 1.4"),
        ("{rows/#:d} rows, {rows[case=a]/none:.1f|as stored}", "3 rows, as stored"),
        ("{rows[case=b]/bytes:.1f GB}", "12.3 GB"),
        ("{rows[case=peer]/x:.1f}", "not run"),
    ],
)
def test_a_cell_is_text_with_values_of_the_file(cell, text):
    rows = [
        {"case": "a", "kind": 1, "x": 1.0, "y": 1.0, "none": None},
        {"case": "b", "kind": 2, "x": 3.0, "y": 5.0, "bytes": 12_345_678_901},
        {"case": "peer", "not_run": "not installed"},
    ]
    assert result({"rows": rows}).text_of(cell) == text


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("{rows[case=a]/y:.1f}", r"some--2-core-cpu\.json has no y at rows\[case=a\]/y"),
        ("{rows[case=c]/x:.1f}", r"some--2-core-cpu\.json has 0 entries for rows\[case=c\]"),
        ("{rows[kind=1]/x:.1f}", r"some--2-core-cpu\.json has 2 entries for rows\[kind=1\]"),
        ("{settings/x:.1f}", r"has no settings at settings/x"),
    ],
)
def test_a_missing_value_is_an_error_that_names_file_and_path(cell, message):
    with pytest.raises(DataError, match=message):
        result({"rows": [{"case": "a", "kind": 1, "x": 1}, {"case": "b", "kind": 1}]}).text_of(cell)


def test_a_place_without_a_table_is_an_error():
    text = "<!-- figures: other -->\n<!-- /figures -->\n"
    with pytest.raises(DataError, match=r"page\.md has places for the tables \['other'\]"):
        figures.filled("page.md", text, {}, {})


def test_what_a_row_waits_for_is_there():
    stages = {stage.name for stage in load_script("gpu_check").STAGES}
    for table in TABLES.values():
        for row in table.rows:
            if row.on == "gpu":
                assert set((row.by or row.file).split()) <= stages
            elif not list((ROOT / "benchmarks" / "results").glob(f"{row.file}--*.json")):
                assert (ROOT / row.waits_for.split("`")[1]).is_file()
