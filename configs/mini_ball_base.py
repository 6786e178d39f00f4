"""Stage 1 of the recipe at the size of a CPU: passes and drives of a small synthetic league."""

from dataclasses import replace

from bvas.experiment.experiment import Experiment, load_experiment

# What find_matches names where the league is missing; a match is a fold.
LEAGUE = (
    "bvas data synth --out {root} --task ball --preset broadcast --matches 4 --minutes 3 "
    "--size 112x192 --keyframe-interval 25 --seed 11"
)


def experiment() -> Experiment:
    demo = load_experiment("demo")
    return replace(
        demo,
        name="mini_ball_base",
        task=replace(demo.task, name="mini_ball", made_by=LEAGUE),
        sampling=replace(demo.sampling, clips_per_epoch=375),
        # Few clips: smaller batches make more steps of them (mAP@1 of one fold 0.40 instead of 0.13).
        train=replace(demo.train, epochs=4, batch_size=8, learning_rate=2e-3),
    )
