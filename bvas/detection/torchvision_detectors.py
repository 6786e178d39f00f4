"""torchvision's detectors with their published weights, trained on COCO."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_choice import choose_boxes
from bvas.detection.detector_protocol import Found
from bvas.errors import ConfigError
from bvas.system.devices import choose_device

if TYPE_CHECKING:
    import torch

# The option of each that drops boxes below a score before non-maximum suppression.
_THRESHOLD_OPTIONS = {
    "ssdlite320_mobilenet_v3_large": "score_thresh",
    "fasterrcnn_mobilenet_v3_large_fpn": "box_score_thresh",
    "fasterrcnn_resnet50_fpn_v2": "box_score_thresh",
    "retinanet_resnet50_fpn_v2": "score_thresh",
    "fcos_resnet50_fpn": "score_thresh",
}
TORCHVISION_DETECTORS = tuple(_THRESHOLD_OPTIONS)
"""Names in torchvision, from the fastest on a CPU."""
DEFAULT_THRESHOLD = 0.5
"""Smallest score of a box that is kept."""
_PERSON = 1
"""Class of persons in COCO; 0 is the background."""
_NUM_CLASSES = 91


@dataclass(frozen=True, slots=True)
class PublishedDetector:
    """Weights of a detector."""

    name: str
    url: str


class TorchvisionDetector:
    """Finds persons by a network of torchvision.

    Frames of a call have one size, so that no frame is padded for another: its boxes depend on it alone.
    """

    def __init__(
        self,
        name: str,
        weights: Path | None = None,
        *,
        device: str = "auto",
        threshold: float = DEFAULT_THRESHOLD,
    ) -> None:
        """Build the network and load its weights.

        Args:
            name: One of `TORCHVISION_DETECTORS`.
            weights: Their file, a state dict as published or .safetensors; None: download, which torch.hub keeps.
            device: As `choose_device` takes it.
            threshold: Smallest score of a box that is kept.

        Raises:
            ConfigError: the name or the device is unknown.
            CheckpointError: the weights are unavailable or not of this network.
        """
        if name not in TORCHVISION_DETECTORS:
            raise ConfigError(
                f"no detector of torchvision named {name!r}; known: {', '.join(TORCHVISION_DETECTORS)}"
            )
        # Imported here: the names are also read without torch.
        from torchvision.models import get_model, get_model_weights

        from bvas.models.video.video_weights import load_published

        self.name = name
        self._device = choose_device(device)
        self._threshold = threshold
        options: dict[str, Any] = {_THRESHOLD_OPTIONS[name]: threshold, "num_classes": _NUM_CLASSES}
        network = get_model(name, weights=None, weights_backbone=None, **options)
        published = PublishedDetector(name, get_model_weights(name).DEFAULT.url)
        load_published(network, published, weights)
        self._network = network.eval().to(self._device)

    def detect(self, frames: NDArray[np.uint8]) -> Sequence[Found]:
        """Return the boxes of each frame; see `Detector`."""
        import torch

        with torch.inference_mode():
            pictures = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device)
            answers = self._network(list(pictures.permute(0, 3, 1, 2).float() / 255))
            return [self._persons(answer) for answer in answers]

    def _persons(self, answer: "dict[str, torch.Tensor]") -> Found:
        is_person = answer["labels"] == _PERSON
        corners = answer["boxes"][is_person].double().cpu().numpy()
        scores = answer["scores"][is_person].float().cpu().numpy()
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        return choose_boxes(boxes, scores, threshold=self._threshold)
