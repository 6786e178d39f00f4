"""Detector by the name of a network, or by the path of a file."""

from pathlib import Path

from bvas.detection.detector_protocol import Detector
from bvas.errors import ConfigError

AUTO = "auto"
"""Name of the detector that suits the device."""
NO_DETECTOR = "none"
"""Name in place of a detector: drawn boxes are followed."""
_AUTO_CUDA = "fasterrcnn_resnet50_fpn_v2"
_AUTO_CPU = "fasterrcnn_mobilenet_v3_large_fpn"
_ONNX, _TINY = ".onnx", ".safetensors"


def load_detector(
    what: Path | str,
    *,
    weights: Path | str | None = None,
    description: Path | str | None = None,
    device: str = "auto",
    threshold: float | None = None,
) -> Detector:
    """Return a detector.

    >>> load_detector("fasterrcnn_resnet50_fpn_v2", device="cuda")  # doctest: +SKIP
    >>> load_detector("movenet_multipose.onnx")  # doctest: +SKIP

    Args:
        what: Name of a network of torchvision; `auto`, the one that suits the device; or a file: `.onnx`, with its
            description, or `.safetensors`, which `bvas players detector` wrote.
        weights: File of the weights of a named network; None: download the published ones.
        description: Description of an `.onnx` file; None: the `.json` beside it.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threshold: Smallest score of a box; None: that of the detector.

    Raises:
        ConfigError: the name or the device is unknown, an option does not belong to the detector, or a description is
            missing or wrong.
        CheckpointError: the file or the weights are missing, cannot be read, or are not of this detector.
    """
    from bvas.detection.torchvision_detectors import (
        DEFAULT_THRESHOLD,
        TORCHVISION_DETECTORS,
        TorchvisionDetector,
    )

    name, file = str(what), Path(what)
    kind = file.suffix.lower()
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"the least confidence of a detection must lie in [0, 1], got {threshold:g}")
    is_named = name == AUTO or name in TORCHVISION_DETECTORS
    if not is_named and kind not in (_ONNX, _TINY):
        raise ConfigError(
            f"unknown detector {name!r}; known are {AUTO}, {', '.join(TORCHVISION_DETECTORS)}, and files: .onnx with "
            "its description, .safetensors of 'bvas players detector'"
        )
    if weights is not None and not is_named:
        raise ConfigError(f"weights {weights} are of a named network, and {name} is a file; leave them out")
    if description is not None and kind != _ONNX:
        raise ConfigError(
            f"the description {description} is of an .onnx file, and {name} is not one; leave it out"
        )
    if kind == _ONNX:
        from bvas.detection.onnx_detector import load_onnx_detector

        described = None if description is None else Path(description)
        return load_onnx_detector(file, description=described, device=device, threshold=threshold)
    if kind == _TINY:
        from bvas.detection.tiny_detector import load_tiny_detector

        return load_tiny_detector(file, device=device, threshold=threshold)
    if name == AUTO:
        name = _auto_name(device)
    return TorchvisionDetector(
        name,
        None if weights is None else Path(weights),
        device=device,
        threshold=DEFAULT_THRESHOLD if threshold is None else threshold,
    )


def _auto_name(device: str) -> str:
    from bvas.system.devices import choose_device

    return _AUTO_CUDA if choose_device(device).type == "cuda" else _AUTO_CPU
