"""Data sets of clips made of copies of one video, and what `bvas data import` makes of them."""

import shutil

from bvas.cli import main
from bvas.data.dataset_json import read_annotations, read_dataset


def put(clip, *paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip, path)


def imported(source, out, *options):
    return main(["data", "import", str(source), "--out", str(out), "--quiet", *map(str, options)])


def refused(source, tmp_path, capsys, *options):
    """The faults, without the folder."""
    assert imported(source, tmp_path / "out", *options) == 2
    assert not (tmp_path / "out/dataset.json").exists()
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    return [line.removeprefix("fault: ") for line in said.splitlines() if line.startswith("fault: ")]


def samples(root):
    """{name: (label, group, split)} of a data root without faults."""
    dataset, faults = read_dataset(root / "dataset.json")
    assert not faults
    found = {}
    for match in dataset.matches:
        (item,) = read_annotations(match)[0].items
        found[match.name] = item.label, match.group, match.split
    return found
