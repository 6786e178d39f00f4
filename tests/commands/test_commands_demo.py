"""`make demo`'s code on a tiny league."""

import json
from dataclasses import replace

import pytest
from tiny import tiny_experiment

import bvas.experiment.experiment
from bvas.cli import main
from bvas.commands import demo
from bvas.commands.console import OK


@pytest.mark.slow  # 15 s
def test_the_demo_renders_trains_predicts_scores_and_reports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_MATCHES", 2)
    monkeypatch.setattr(demo, "_MINUTES", 0.4)
    monkeypatch.setattr(
        bvas.experiment.experiment, "load_experiment", lambda name: replace(tiny_experiment(), name=name)
    )
    assert main(["demo", "--device", "cpu", "--workers", "1", "--quiet"]) == OK
    printed = capsys.readouterr().out
    assert "official mAP@1" in printed.splitlines()[-1]
    scores = json.loads((tmp_path / "runs" / "demo" / "evaluation.json").read_text())
    assert scores
    assert (tmp_path / "runs" / "demo" / "fold_0" / "model.safetensors").is_file()
    (page,) = (tmp_path / "demo" / "report").glob("*.html")
    assert str(page.relative_to(tmp_path)) in printed
