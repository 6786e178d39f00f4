"""The two arms of each ablation: experiments that differ in one part of the recipe."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bvas.augment.config import AugmentConfig
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.sampling_config import SamplingConfig


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to do it."""

    title: str
    stages: tuple[Experiment, ...]
    """Trained in this order; the last one is scored."""

    @property
    def scored(self) -> Experiment:
        """The experiment whose score counts."""
        return self.stages[-1]


@dataclass(frozen=True, slots=True)
class Ablation:
    """A question, without the part and with it."""

    name: str
    without: Arm
    with_it: Arm


def fusion(prefix: str) -> Ablation:
    """2D early fusion against slow fusion at equal 2D cost.

    Early fusion is one stack of all frames and no 3D blocks. Either makes one 2D pass per predicted frame: slow fusion
    keeps the features of its other stacks. In training a clip is N passes for slow fusion and one for early fusion,
    which therefore sees N times the clips: as many passes in all, in N times the optimizer steps.
    """
    slow = load_experiment(f"{prefix}ball_base")
    early = replace(
        slow,
        name=f"{slow.name}_early_fusion",
        clip=replace(slow.clip, stack_size=slow.clip.num_frames),
        model=replace(slow.model, num_blocks_3d=0),
        sampling=replace(slow.sampling, clips_per_epoch=slow.sampling.clips_per_epoch * slow.clip.num_stacks),
    )
    return Ablation("slow fusion", Arm("2D early fusion", (early,)), Arm("slow fusion", (slow,)))


def fusion_of_clips(prefix: str) -> Ablation:
    """2D early fusion against slow fusion at as many clips: slow fusion makes N times the 2D passes in training."""
    at_equal_cost = fusion(prefix)
    early, slow = at_equal_cost.without.scored, at_equal_cost.with_it.scored
    short = replace(early, name=f"{early.name}_of_as_many_clips", sampling=slow.sampling)
    return Ablation(
        "slow fusion, as many clips", Arm("2D early fusion", (short,)), Arm("slow fusion", (slow,))
    )


def negatives(prefix: str) -> Ablation:
    """Plain sampling against hard negatives from the first stage's curves, both from the same pre-trained weights."""
    base, pretrain, hard = (
        load_experiment(prefix + name) for name in ("ball_base", "action_pretrain", "ball_transfer")
    )
    plain = replace(hard, name=f"{hard.name}_plain", train=replace(hard.train, hard_negatives_from=""))
    return Ablation(
        "hard negatives",
        Arm("plain sampling", (pretrain, plain)),
        Arm("hard-negative sampling", (base, pretrain, hard)),
    )


def camera_move(prefix: str) -> Ablation:
    """Without and with the camera move, at the probability of the seed."""
    base = load_experiment(f"{prefix}ball_base")
    without = replace(base, augment=replace(base.augment, camera_move_probability=0.0))
    with_it = replace(
        base,
        augment=replace(base.augment, camera_move_probability=AugmentConfig().camera_move_probability),
    )
    return _of_base("camera move", base, without, with_it)


def frame_shake(prefix: str) -> Ablation:
    """Without and with frames that are shaken in time, at the probability of the seed."""
    base = load_experiment(f"{prefix}ball_base")
    without = replace(base, sampling=replace(base.sampling, shake_probability=0.0))
    with_it = replace(
        base, sampling=replace(base.sampling, shake_probability=SamplingConfig().shake_probability)
    )
    return _of_base("frame shake", base, without, with_it)


def averaging(prefix: str) -> Ablation:
    """The last weights against their moving average."""
    base = load_experiment(f"{prefix}ball_base")
    without = replace(base, train=replace(base.train, ema_decay=0.0))
    return _of_base("averaged weights", base, without, base)


def clip_length(prefix: str) -> Ablation:
    """Clips of 15 frames against clips of 33, from the same start and for as many clips."""
    base = load_experiment(f"{prefix}ball_base")
    short = replace(base, clip=replace(base.clip, num_frames=15))
    long = replace(base, clip=replace(base.clip, num_frames=33))
    return _of_base("33 frames", base, short, long)


def _of_base(name: str, base: Experiment, without: Experiment, with_it: Experiment) -> Ablation:
    """Name the arm that differs from the base experiment; the other one is the base itself, trained once for all."""
    arms = []
    for word, arm in (("without", without), ("with", with_it)):
        changed = replace(arm, name=f"{base.name}_{word}_{name.replace(' ', '_')}")
        arms.append(Arm(f"{word} {name}", (base if arm == base else changed,)))
    return Ablation(name, *arms)


ABLATIONS: dict[str, Callable[[str], Ablation]] = {
    "fusion": fusion,
    "clips": fusion_of_clips,
    "negatives": negatives,
    "camera": camera_move,
    "shake": frame_shake,
    "ema": averaging,
    "length": clip_length,
}
