"""Training of the small detector: targets, loss, changes of the pictures, steps, and the choice of a threshold.

The loss is that of CenterNet (Zhou et al., "Objects as Points", arXiv:1904.07850, section 3): the focal loss over the
map of centers, and L1 for sizes and offsets; sizes as logarithms. Centers are spread as Gaussians that have the shape
of the box, and sizes and offsets are also learned in the cells beside a center, as in TTFNet (arXiv:1909.00700).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from bvas.detection.labelled_frames import LabelledFrame, inner_boxes, mean_size_of, split_frames
from bvas.detection.tiny_detector import STRIDE, TinyConfig, TinyDetector, TinyNetwork, normalized, placed
from bvas.errors import ConfigError, TrainingError
from bvas.system.devices import choose_device
from bvas.values.boxes import Boxes, box_overlaps
from bvas.values.progress import Progress

_SPREAD = 0.15
"""Standard deviation of a center's Gaussian, of the box's sides."""
_LEAST_SPREAD = 0.5
"""In cells."""
_FOCAL_POWER, _NEGATIVE_POWER = 2.0, 4.0
_SIZE_WEIGHT, _OFFSET_WEIGHT = 1.0, 1.0
_MATCHING_OVERLAP = 0.5
_THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(13))
_F1_TOLERANCE = 0.02
_LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyTrainingConfig:
    """Training of a small detector."""

    steps: int = 300
    batch_size: int = 4
    learning_rate: float = 4e-3
    """The highest; it rises over the first tenth of the steps and falls to 0 (AdamW)."""
    held_share: float = 0.1
    """Last share of each video's frames that only the threshold is chosen on, in [0, 0.5]."""
    zoom: float = 0.15
    """Pictures are enlarged and reduced by up to this share, in [0, 0.5]."""
    color_change: float = 0.25
    """Gain of each color channel varies by up to this share, in [0, 1)."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise ConfigError(
                f"steps and batch_size must be at least 1 and learning_rate above 0, got {self.steps}, "
                f"{self.batch_size} and {self.learning_rate}"
            )
        if not (0 <= self.held_share <= 0.5 and 0 <= self.zoom <= 0.5 and 0 <= self.color_change < 1):
            raise ConfigError(
                f"held_share and zoom must lie in [0, 0.5] and color_change in [0, 1), got {self.held_share}, "
                f"{self.zoom} and {self.color_change}"
            )


class TrainedTiny(NamedTuple):
    """A trained network."""

    network: TinyNetwork
    config: TinyConfig
    """With the threshold that was chosen on the held frames."""
    f1: float
    """At IoU 0.5 on the held frames."""


def train_tiny_detector(
    videos: Sequence[Sequence[LabelledFrame]],
    config: TinyConfig,
    training: TinyTrainingConfig,
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> TrainedTiny:
    """Return a network that is trained on the frames of videos; a seed gives the same one each time on a CPU.

    Args:
        videos: Frames of each video, all of one height.
        config: Shape of the network; `mean_size` and `threshold` are replaced by what the frames give.
        training: Steps and changes of the pictures.
        device: As `choose_device` takes it.
        progress: Receives the steps done and all there are.

    Raises:
        DataError: the frames have no box.
        TrainingError: the loss is NaN or infinite.
    """
    trained, held = split_frames(videos, training.held_share)
    config = replace(config, mean_size=mean_size_of(trained))
    chosen = choose_device(device)
    # The state of torch's generator outside is kept: it is global.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network = placed(TinyNetwork(config), chosen)
    _run_steps(network, trained, config, training, chosen, progress)
    threshold, f1 = _choose_threshold(network, config, held, device)
    return TrainedTiny(network, replace(config, threshold=threshold), f1)


def _run_steps(
    network: TinyNetwork,
    frames: Sequence[LabelledFrame],
    config: TinyConfig,
    training: TinyTrainingConfig,
    device: torch.device,
    progress: Progress | None,
) -> None:
    draws = np.random.default_rng(training.seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=training.steps + 1, pct_start=0.1
    )
    network.train()
    for step in range(training.steps):
        batch = [
            changed_frame(frames[place], training, draws)
            for place in draws.integers(len(frames), size=training.batch_size)
        ]
        # Pictures of one batch have one size: videos of several aspects are padded on the right.
        pictures = _stacked([frame.picture for frame in batch])
        targets = np.stack([frame_targets(frame.boxes, pictures.shape[1:3], config) for frame in batch])
        maps = network(normalized(pictures, device))
        loss = detection_loss(maps, torch.from_numpy(targets).to(device))
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss of step {step} is {loss.item()}; lower the learning rate ({training.learning_rate:g})"
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, training.steps)
    network.eval()


def _stacked(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    width = max(picture.shape[1] for picture in pictures)
    return np.stack([np.pad(one, ((0, 0), (0, width - one.shape[1]), (0, 0))) for one in pictures])


def changed_frame(
    frame: LabelledFrame, training: TinyTrainingConfig, draws: np.random.Generator
) -> LabelledFrame:
    """Return a frame mirrored, zoomed, moved and tinted at random."""
    height, width = frame.picture.shape[:2]
    zoom = float(np.exp(draws.uniform(-1, 1) * np.log1p(training.zoom)))
    mirrored = draws.random() < 0.5
    # A random place: inside of the picture when it is reduced, beyond its edges when it is enlarged.
    left, top = draws.uniform(0, 1, 2) * (np.array([width, height]) * (1 - zoom))
    gain = 1 + draws.uniform(-1, 1, 3) * training.color_change
    matrix = np.array([[zoom, 0, left], [0, zoom, top]])
    boxes = frame.boxes * zoom + [left, top, 0, 0]
    if mirrored:
        matrix = np.array([[-zoom, 0, width - 1 - left], [0, zoom, top]])
        boxes[:, 0] = width - boxes[:, 0] - boxes[:, 2]
    moved = cv2.warpAffine(frame.picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    picture = np.clip(moved * gain.astype(np.float32), 0, 255).astype(np.uint8)
    return LabelledFrame(picture, inner_boxes(boxes, (height, width)))


def frame_targets(boxes: Boxes, size: tuple[int, ...], config: TinyConfig) -> NDArray[np.float32]:
    """Return the targets [6, h, w] of a picture: map of centers, height, width, y, x, weight of the last four.

    Args:
        boxes: [N, 4] in pixels of the picture.
        size: Its (H, W).
        config: Says the mean size.
    """
    h, w = size[0] // STRIDE, size[1] // STRIDE
    targets = np.zeros((6, h, w), np.float32)
    rows, columns = np.arange(h)[:, None], np.arange(w)[None]
    for x, y, width, height in boxes.tolist():
        middle_y, middle_x = (y + height / 2) / STRIDE, (x + width / 2) / STRIDE
        cell_y, cell_x = min(int(middle_y), h - 1), min(int(middle_x), w - 1)
        spread_y = max(_SPREAD * height / STRIDE, _LEAST_SPREAD)
        spread_x = max(_SPREAD * width / STRIDE, _LEAST_SPREAD)
        away = ((rows - cell_y) / spread_y) ** 2 + ((columns - cell_x) / spread_x) ** 2
        peak = np.exp(-away / 2).astype(np.float32)
        targets[0] = np.maximum(targets[0], peak)
        near = (np.abs(rows - cell_y) <= 1) & (np.abs(columns - cell_x) <= 1) & (peak > targets[5])
        targets[1, near] = np.log(height / config.mean_size[0])
        targets[2, near] = np.log(width / config.mean_size[1])
        targets[3, near] = (middle_y - rows + 0 * columns)[near]
        targets[4, near] = (middle_x - columns + 0 * rows)[near]
        targets[5, near] = peak[near]
    return targets


def detection_loss(maps_B5hw: Tensor, targets_B6hw: Tensor) -> Tensor:
    """Return the loss of maps: focal loss of the centers, and L1 of sizes and offsets, for each center."""
    logits, truth, weight = maps_B5hw[:, 0], targets_B6hw[:, 0], targets_B6hw[:, 5:]
    is_center = truth == 1
    num_centers = is_center.sum().clamp(min=1)
    scores = logits.sigmoid()
    found = (1 - scores) ** _FOCAL_POWER * F.logsigmoid(logits)
    missed = (1 - truth) ** _NEGATIVE_POWER * scores**_FOCAL_POWER * F.logsigmoid(-logits)
    centers = -torch.where(is_center, found, missed).sum() / num_centers
    away = (maps_B5hw[:, 1:] - targets_B6hw[:, 1:5]).abs() * weight
    total = weight.sum().clamp(min=1)
    sizes, offsets = away[:, :2].sum() / total, away[:, 2:].sum() / total
    loss: Tensor = centers + _SIZE_WEIGHT * sizes + _OFFSET_WEIGHT * offsets
    return loss


def _choose_threshold(
    network: TinyNetwork, config: TinyConfig, frames: Sequence[LabelledFrame], device: str
) -> tuple[float, float]:
    """Return the lowest threshold whose F1 on frames is almost the highest, and its F1.

    Held frames are of videos that the network has seen; in others, scores are lower.
    """
    detector = TinyDetector(network, config, device=device, threshold=_THRESHOLDS[0])
    found = [detector.detect(frame.picture[None])[0] for frame in frames]
    truth = [frame.boxes for frame in frames]
    scored = [
        (f1_score([boxes[scores >= threshold] for boxes, scores in found], truth), threshold)
        for threshold in _THRESHOLDS
    ]
    best = max(f1 for f1, _ in scored)
    f1, threshold = next(pair for pair in scored if pair[0] >= best - _F1_TOLERANCE)
    return threshold, f1


def f1_score(
    found: Sequence[Boxes], truth: Sequence[Boxes], least_overlap: float = _MATCHING_OVERLAP
) -> float:
    """Return the F1 of boxes of frames: a box is right where it is matched with a true one of at least that IoU."""
    matched = sum(_matched(boxes, true, least_overlap) for boxes, true in zip(found, truth, strict=True))
    total = sum(map(len, found)) + sum(map(len, truth))
    return 2 * matched / total if total else 1.0


def _matched(boxes: Boxes, true: Boxes, least_overlap: float) -> int:
    overlaps = box_overlaps(boxes, true)
    # Pairs below the limit are worth nothing, so that as many as possible reach it.
    rows, columns = linear_sum_assignment(
        np.where(overlaps >= least_overlap, 1.0 + overlaps, 0.0), maximize=True
    )
    return int((overlaps[rows, columns] >= least_overlap).sum())
