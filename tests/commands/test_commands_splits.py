import json
from dataclasses import replace

import pytest
from tiny import TINY_CONFIG, TINY_LEAGUE

from bvas.cli import main
from bvas.synthetic.league import make_league


@pytest.mark.slow
def test_splits_train_one_model_and_score_the_test_split(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = TINY_CONFIG.replace("epochs=2", "epochs=1").replace(
        "demo = load_experiment",
        "from bvas.data.spotting_task import dataset_task\n    demo = load_experiment",
    )
    config = config.replace(
        "        demo,\n", '        demo,\n        task=dataset_task(("PASS", "DRIVE")),\n', 1
    )
    (tmp_path / "tiny.py").write_text(config)
    make_league(
        tmp_path / "league", replace(TINY_LEAGUE, matches=4, challenge_matches=0, minutes=0.2), jobs=1
    )
    assert main(["data", "import", "league/spotting-ball-2023", "--out", "data"]) == 0
    path = tmp_path / "data/dataset.json"
    content = json.loads(path.read_text())
    for match in content["matches"]:
        match.pop("fold", None)
    splits = {"format": "bvas-dataset-2", "splits": {"train": 50, "valid": 25, "test": 25}}
    path.write_text(json.dumps(content | splits))

    common = ["--experiment", "tiny.py", "--quiet"]
    assert main(["data", "check", "data"]) == 0
    assert main(["train", *common, "--workers", "0"]) == 0
    seen = json.loads((tmp_path / "runs/tiny/fold_0/matches.json").read_text())
    assert (len(seen["trained_on"]), len(seen["held_out"])) == (2, 2)
    assert not (tmp_path / "runs/tiny/fold_1").exists()
    assert main(["predict", *common]) == 0
    assert len(list((tmp_path / "runs/tiny/predictions/cv").rglob("results_spotting.json"))) == 2
    capsys.readouterr()
    assert main(["evaluate", "--experiment", "tiny.py"]) == 0
    (scored,) = json.loads((tmp_path / "runs/tiny/evaluation.json").read_text())["cross_validation"][
        "folds"
    ].values()
    (name,) = scored["matches"]
    assert name in seen["held_out"]
