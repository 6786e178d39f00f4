"""SpaceJam's ten basketball actions by slow_r50 with Kinetics-400 weights, unfrozen block by block.

The recipe of "Basketball Action Recognition Using PyTorch": 15 epochs, classes drawn down to the rarest one but for
two, the head alone at first, then block 4 from epoch 5, block 3 from epoch 7, block 2 from epoch 9. Other than there,
the loss is of logits.
"""

from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, TrainConfig, load_experiment
from bvas.experiment.input_config import InputConfig
from bvas.models.video.config import VideoModelConfig
from bvas.values.clip_config import ClipConfig


def experiment() -> Experiment:
    other = load_experiment("spacejam_r2plus1d")
    return Experiment(
        name="spacejam_slow_r50",
        kind="clip",
        task=other.task,
        # The clips' whole picture; the published normalization.
        input=InputConfig(size=(256, 192), rate=10.0, channels="rgb", mean=(0.45,) * 3, std=(0.225,) * 3),
        # 8 of a clip's 16 frames.
        clip=ClipConfig(num_frames=8, frame_step=2, stack_size=8),
        video=VideoModelConfig(network="slow_r50", pretrained=True),
        classes=ClassConfig(cap_per_class={"pass": 1070, "ball in hand": 1070}),
        augment=other.augment,
        train=TrainConfig(
            batch_size=8,
            warmup_epochs=0,
            epochs=15,
            learning_rate=1e-4,
            final_learning_rate=1e-6,
            final_weights="best",
            frozen=("normalization", "blocks.0", "blocks.1"),
            unfreeze={5: "blocks.4", 7: "blocks.3", 9: "blocks.2"},
        ),
        flip_tta=False,
    )
