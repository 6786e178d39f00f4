import json
from dataclasses import replace

import pytest
from tiny import SHIPPED_CONFIGS

from bvas.data.action import action_task
from bvas.data.ball import ball_task
from bvas.errors import ConfigError
from bvas.experiment.experiment import (
    Experiment,
    InputConfig,
    TrainConfig,
    config_folders,
    experiment_names,
    load_experiment,
    parse_folds,
)
from bvas.values.clip_config import ClipConfig


@pytest.mark.parametrize("name", SHIPPED_CONFIGS)
def test_an_experiment_goes_to_json_and_back(name):
    experiment = load_experiment(name)

    assert Experiment.from_json(experiment.to_json()) == experiment
    assert experiment.name == name


def test_json_with_an_unknown_or_wrong_field_is_refused():
    content = json.loads(load_experiment("demo").to_json())

    content["clip"]["frame_stepp"] = 2
    with pytest.raises(ConfigError, match="frame_stepp"):
        Experiment.from_json(json.dumps(content))

    del content["clip"]["frame_stepp"]
    content["clip"]["num_frames"] = 16
    with pytest.raises(ConfigError, match=r"num_frames \(16\) must be a multiple"):
        Experiment.from_json(json.dumps(content))
    with pytest.raises(ConfigError, match="not a valid experiment of this version"):
        Experiment.from_json("{")


def test_changes_of_colors_need_color():
    content = json.loads(load_experiment("demo").to_json())
    content["augment"]["hue_probability"] = 0.5
    with pytest.raises(
        ConfigError, match=r"the input is gray; set them to 0, or InputConfig\(channels=\"rgb\"\)"
    ):
        Experiment.from_json(json.dumps(content))

    content["input"]["channels"] = "rgb"
    assert Experiment.from_json(json.dumps(content)).augment.hue_probability == 0.5


def test_the_base_experiment_has_the_seeds_values():
    base = load_experiment("ball_base")

    assert base.input == InputConfig(size=(736, 1280), rate=25.0, luma_scaling="range")
    assert base.clip == ClipConfig(num_frames=15, frame_step=2, stack_size=3)
    assert (base.train.warmup_epochs, base.train.epochs, base.train.batch_size) == (6, 30, 4)
    assert (base.train.learning_rate, base.train.final_learning_rate) == (3e-4, 3e-6)
    assert (base.loss.gamma, base.loss.alpha) == (1.2, None)
    assert (base.sampling.clips_per_epoch, base.sampling.action_window_frames) == (6000, 9)
    assert base.targets.window_frames == 15
    assert len(base.task.folds) == 7


def test_the_later_stages_change_what_the_recipe_says():
    pretrain, transfer, long = (load_experiment(n) for n in ("action_pretrain", "ball_transfer", "ball_long"))

    assert (len(pretrain.task.labels), pretrain.sampling.clips_per_epoch) == (15, 36000)
    assert pretrain.train.ema_decay == 0.9995
    assert (transfer.loss.alpha, transfer.train.start_from) == (0.4, "action_pretrain")
    assert (transfer.train.warmup_epochs, transfer.train.epochs) == (7, 35)
    assert (long.clip.num_frames, long.train.optimizer, long.train.frozen) == (33, "sgd", ("encoder",))
    assert (long.train.learning_rate, long.train.final_learning_rate) == (1e-3, 5e-5)


def test_a_misspelt_name_lists_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"no experiment named 'ball_bse' .*found: .*ball_base.*demo"):
        load_experiment("ball_bse", tmp_path)
    with pytest.raises(ConfigError, match=r"no config file nowhere/x\.py"):
        load_experiment("nowhere/x.py")


def test_names_are_looked_up_here_then_shipped_then_in_the_runs_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    stored = replace(load_experiment("demo"), name="whatever", seed=5)
    (runs / "mine").mkdir(parents=True)
    (runs / "mine" / "experiment.json").write_text(stored.to_json())

    assert load_experiment("mine", runs).name == "mine"
    assert load_experiment("mine", runs).seed == 5
    assert experiment_names(runs) == sorted([*SHIPPED_CONFIGS, "mine"])

    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "demo.py").write_text(
        "from dataclasses import replace\nfrom bvas.experiment.experiment import load_experiment\n"
        "def experiment():\n    return replace(load_experiment('ball_base'), seed=7)\n"
    )
    assert load_experiment("demo").seed == 7
    assert config_folders()[0].resolve() == tmp_path / "configs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def experiment(:", "does not run: SyntaxError"),
        ("import nothing_like_it", "does not run: ModuleNotFoundError"),
        (
            "from bvas.experiment.experiment import TrainConfig\ndef experiment(): return TrainConfig(epoch=3)",
            "TypeError",
        ),
        (
            "from bvas.experiment import load_experiment",
            "write 'from bvas import Experiment, load_experiment'",
        ),
        ("from bvas.tasks.task import dataset_task", "tasks in bvas.data"),
        (
            "from bvas.experiment.experiment import TrainConfig\n"
            "def experiment(): return TrainConfig(freeze_encoder2d=True)",
            r"write frozen=\('encoder',\) in its place",
        ),
        ("def experiment(): return {}['x']", "does not run: KeyError"),
        ("x = 1", "must define 'def experiment"),
    ],
)
def test_a_broken_config_says_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_experiment(str(path))


def test_folds_are_read_and_checked():
    assert parse_folds("all", [0, 2, 1]) == [0, 1, 2]
    assert parse_folds("2,0,2", range(3)) == [0, 2]
    with pytest.raises(ConfigError, match="no fold 3; existing folds: 0, 2"):
        parse_folds("0,3", [0, 2])
    with pytest.raises(ConfigError, match="'all' or numbers"):
        parse_folds("first", [0])


def test_training_values_that_make_no_sense_are_refused():
    for wrong in ({"epochs": 0}, {"ema_decay": 1.0}, {"final_learning_rate": 1.0}, {"learning_rate": 0.0}):
        with pytest.raises(ConfigError):
            TrainConfig(**wrong)


def test_the_tasks_are_the_published_ones():
    ball, action = ball_task(), action_task()

    assert ball.labels.names == ("PASS", "DRIVE")
    assert [name.split(" - ", 1)[1] for name in ball.test] == [
        "Stoke City - Huddersfield Town",
        "Reading - Fulham",
    ]
    assert len(ball.challenge) == 2
    assert len(action.labels) == 15
    assert action.labels.label_id("Red card") == action.labels.label_id("Yellow card") == 14
    assert action.visible_only


def test_every_mini_stage_builds_on_what_its_full_one_builds_on():
    for name in ("ball_base", "action_pretrain", "ball_transfer", "ball_long"):
        full, mini = load_experiment(name), load_experiment(f"mini_{name}")
        for source in ("start_from", "hard_negatives_from"):
            before = getattr(full.train, source)
            assert getattr(mini.train, source) == (f"mini_{before}" if before else "")
        assert mini.train.folds == full.train.folds
        assert (mini.train.optimizer, mini.train.frozen) == (full.train.optimizer, full.train.frozen)
        assert (mini.clip, mini.loss, mini.task.labels) == (full.clip, full.loss, full.task.labels)
        assert bool(mini.sampling.effective_number_beta) == bool(full.sampling.effective_number_beta)


def test_a_fold_that_is_not_named_is_the_configs_own():
    assert parse_folds(None, [0, 1, 2]) == [0, 1, 2]
    assert parse_folds(None, [0, 1, 2], (1,)) == [1]
    assert parse_folds("all", [0, 1, 2], (1,)) == [0, 1, 2]
    with pytest.raises(ConfigError, match="folds must be distinct"):
        TrainConfig(folds=(0, 0))
