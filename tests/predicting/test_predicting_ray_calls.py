"""`bvas predict --ray` against a fake of Ray's calls: results of a plain prediction."""

import numpy as np
import pytest
from fake_ray import VERSIONS, FakeRay, RayError, greeting

from bvas.cli import main
from bvas.commands.console import DONE_IN_PART, OK, WRONG_INPUT
from bvas.system.jobs import ray_executor

LOST = RayError("The actor died unexpectedly.")


@pytest.fixture
def join(monkeypatch):
    """Let `--ray` join a cluster whose actors follow the plans."""

    def to(*plans):
        fake = FakeRay(*plans)
        monkeypatch.setattr(ray_executor, "connect", lambda settings: (fake, settings.num_workers or 2))
        return fake

    monkeypatch.setattr(ray_executor, "versions", lambda: VERSIONS)
    return to


def predict(*options):
    return main(["predict", "--experiment", "tiny", "--quiet", "--ray", "head:6379", *options])


def test_scores_and_spots_are_those_of_one_process_although_a_worker_is_lost(there, join):
    assert there.predict() == OK
    plain = {name: there.scores(f"cv/game/{name}") for name in "ab"}
    spots = {
        name: path.read_text()
        for name in "ab"
        for path in [there.predictions / f"cv/game/{name}/results_spotting.json"]
    }
    ray = join([greeting("a"), LOST], [greeting("b")])
    assert predict("--overwrite", "--ray-gpus", "0") == OK
    assert {job.name for actor in ray.actors for job, _ in actor.jobs}
    for name in "ab":
        np.testing.assert_array_equal(there.scores(f"cv/game/{name}"), plain[name])
        assert (there.predictions / f"cv/game/{name}/results_spotting.json").read_text() == spots[name]
    assert not list((there.folder / "runs").rglob(".processes"))


def test_a_segment_that_takes_three_workers_along_fails_its_match_and_no_other(there, join):
    join(*[[greeting("a"), LOST]] * 3)
    assert predict("--ray-workers", "1") == DONE_IN_PART
    failures = there.failures()
    assert list(failures) == ["game/a"]
    assert "the job lost 3 workers" in failures["game/a"]
    assert there.times().keys() == {"cv/game/b"}


def test_a_finished_prediction_joins_no_cluster(there, join, monkeypatch):
    assert there.predict() == OK
    monkeypatch.setattr(ray_executor, "connect", lambda settings: pytest.fail("joined"))
    assert predict() == OK


def test_remote_videos_need_a_scratch_that_all_machines_see(there, join, capsys):
    ray = join()
    (there.folder / "season.txt").write_text("https://127.0.0.1:9/a.mp4\n")
    assert predict("--manifest", "season.txt") == WRONG_INPUT
    assert "give --scratch DIR in a folder that all machines share" in capsys.readouterr().err
    assert ray.actors == []
