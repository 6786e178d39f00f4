"""Small detector of our own: a map of centers with a size and an offset at each, for one kind of object.

The method is that of "Objects as Points" (Zhou et al., arXiv:1904.07850), with a network of 30 thousand weights:

    RGB [B, 3, H, W] -> two strided convolutions -> residual blocks of growing dilation -> one map [B, 5, H/4, W/4]

The five channels are the logit of a center, the logarithms of height and width, and the center within the cell (y, x).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from bvas.detection.box_choice import choose_boxes
from bvas.detection.detector_protocol import Found
from bvas.detection.onnx_outputs import local_maxima
from bvas.detection.picture_fit import plan_input
from bvas.errors import CheckpointError, ConfigError
from bvas.system.atomic_files import write_bytes
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.system.devices import choose_device
from bvas.system.tensor_files import read_tensors

# Dimension letters in this file:
#   B frames, H W rows and columns of the input, h w of the map.

STRIDE = 4
"""Pixels of the input in a cell of the map."""
_FORMAT = "bvas-tiny-detector-1"
_DILATIONS = (1, 2, 4, 8, 1)
_MEAN, _STD = 114.0, 64.0
# Maxima side by side on one body.
_NMS_OVERLAP = 0.6
# The share of centers is about 0.003 at the beginning, so that early steps do not go into the background.
_FIRST_LOGIT = -6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """Shape of the network, and what its numbers mean."""

    height: int = 224
    """Rows that pictures are scaled to; a multiple of 8. The width follows their aspect."""
    channels: int = 24
    """Of the residual blocks, a multiple of 8."""
    mean_size: tuple[float, float] = (28.0, 10.0)
    """(h, w) of a box at that height whose logarithms are 0."""
    threshold: float = 0.3
    """Smallest score of a box that is kept."""

    def __post_init__(self) -> None:
        if not (64 <= self.height <= 2048 and self.height % 8 == 0):
            raise ConfigError(f"height must be a multiple of 8 from 64 to 2048, got {self.height}")
        if not (8 <= self.channels <= 256 and self.channels % 8 == 0):
            raise ConfigError(f"channels must be a multiple of 8 from 8 to 256, got {self.channels}")
        if not (min(self.mean_size) > 0 and 0 <= self.threshold <= 1):
            raise ConfigError(
                f"mean_size must be above 0 and threshold in [0, 1], got {self.mean_size} and {self.threshold}"
            )


class _Block(nn.Module):
    """Residual block of one dilated convolution."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return features + torch.relu(self.norm(self.convolution(features)))


class TinyNetwork(nn.Module):
    """The network: normalized RGB [B, 3, H, W] to maps [B, 5, H/4, W/4]."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        channels = config.channels
        self.stem = nn.Sequential(
            *(nn.Conv2d(3, channels // 2, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels // 2)),
            nn.ReLU(),
            *(
                nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            ),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(*(_Block(channels, dilation) for dilation in _DILATIONS))
        self.head = nn.Conv2d(channels, 5, 3, padding=1)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            bias = self.head.bias
            assert bias is not None
            bias.zero_()
            bias[0] = _FIRST_LOGIT

    def forward(self, pictures_B3HW: Tensor) -> Tensor:
        """Return the maps."""
        maps: Tensor = self.head(self.blocks(self.stem(pictures_B3HW)))
        return maps


def input_size(picture: tuple[int, int], config: TinyConfig) -> tuple[int, int]:
    """Return the (H, W) that a picture (h, w) is scaled to: its aspect kept but for the rounding to 8 columns."""
    return config.height, max(round(picture[1] * config.height / picture[0] / 8), 1) * 8


def scale_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture, uint8 [h, w, 3], as uint8 [H, W, 3]; averaged over areas where it becomes smaller."""
    if picture.shape[:2] == size:
        return picture
    smaller = size[0] < picture.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=how), np.uint8)


def normalized(pictures_BHW3: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return pictures as the network takes them, float32 [B, 3, H, W] in memory of [B, H, W, 3]."""
    values = torch.from_numpy(pictures_BHW3).to(device).permute(0, 3, 1, 2).float()
    return (values - _MEAN) / _STD


def placed(network: TinyNetwork, device: torch.device) -> TinyNetwork:
    """Return the network on a device, its weights in the order that is faster by a fifth on CPUs."""
    return network.to(device).to(memory_format=torch.channels_last)


class TinyDetector:
    """Finds players by a trained `TinyNetwork`."""

    def __init__(
        self,
        network: TinyNetwork,
        config: TinyConfig,
        *,
        name: str = "tiny",
        device: str = "auto",
        threshold: float | None = None,
    ) -> None:
        self.name = name
        self.config = config
        self._device = choose_device(device)
        self._network = placed(network.eval(), self._device)
        self._threshold = config.threshold if threshold is None else threshold

    def detect(self, frames: NDArray[np.uint8]) -> Sequence[Found]:
        """Return the boxes of each frame; see `Detector`."""
        picture = (frames.shape[1], frames.shape[2])
        size = input_size(picture, self.config)
        scaled = np.stack([scale_picture(frame, size) for frame in frames])
        with torch.inference_mode():
            maps = self._network(normalized(scaled, self._device)).double().cpu().numpy()
        plan = plan_input(picture, size, "stretch")
        found = []
        for one in maps:
            boxes, scores = read_map(one, self.config)
            found.append(
                choose_boxes(
                    plan.boxes_in_picture(boxes),
                    scores,
                    threshold=self._threshold,
                    nms_overlap=_NMS_OVERLAP,
                )
            )
        return found


def read_map(
    map_5hw: NDArray[np.float64], config: TinyConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the boxes [N, 4] of a map's local maxima, in pixels of the input, and their scores [N]."""
    scores = 1 / (1 + np.exp(-map_5hw[0]))
    rows, columns = local_maxima(scores)
    logarithms = map_5hw[1:3, rows, columns].clip(-4, 4)
    height, width = np.array(config.mean_size)[:, None] * np.exp(logarithms)
    middle_y, middle_x = (np.stack([rows, columns]) + map_5hw[3:5, rows, columns]) * STRIDE
    boxes = np.stack([middle_x - width / 2, middle_y - height / 2, width, height], axis=1)
    return boxes, scores[rows, columns]


def save_tiny_detector(path: Path, network: TinyNetwork, config: TinyConfig) -> None:
    """Write a detector to a safetensors file with its config inside.

    Raises:
        DataError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, save(tensors, metadata={"format": _FORMAT, "config": value_to_json(config)}))


def load_tiny_detector(path: Path, *, device: str = "auto", threshold: float | None = None) -> TinyDetector:
    """Return the detector in a file that `save_tiny_detector` wrote.

    Args:
        path: The file.
        device: As `choose_device` takes it.
        threshold: Smallest score of a box; None: that of the file.

    Raises:
        CheckpointError: the file is missing, cannot be read, or was not written by bvas for this purpose.
    """
    if not path.is_file():
        raise CheckpointError(
            f"no detector at {path}; train one: bvas players detector VIDEO --out {path.name}"
        )
    metadata, state = read_tensors(path, "train the detector again: bvas players detector")
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(
            f"{path} has the format {metadata.get('format')!r}, and a small detector has {_FORMAT!r}; weights of a "
            "named network go with its name: --detector NAME --detector-weights FILE"
        )
    try:
        config = value_from_json(metadata.get("config", "{}"), TinyConfig, "small detector")
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    network = TinyNetwork(config)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} does not fit its own config; train the detector again: bvas players detector"
        ) from error
    return TinyDetector(network, config, name=path.stem, device=device, threshold=threshold)
