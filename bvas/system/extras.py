"""Extra `train`: its packages, and the line that says how to install them."""

from importlib.util import find_spec

from bvas.errors import ConfigError

TRAIN_PACKAGES = frozenset(
    "PyNvVideoCodec einops kornia onnx onnxscript safetensors tensorboard timm torch torchvision".split()
)
"""Packages of the extra in pyproject.toml, as they are imported."""
INSTALL_TRAIN = "pip install 'bvas[train]'"


def need_train() -> None:
    """Check that PyTorch is installed, before work that ends in it.

    Raises:
        ConfigError: it is not; the message says how to install it.
    """
    if find_spec("torch") is None:
        raise ConfigError(_line("torch"))


def missing_train(error: ModuleNotFoundError) -> str | None:
    """Return what a user reads of a package of the extra that is missing; None where another one is."""
    return _line(error.name) if error.name in TRAIN_PACKAGES else None


def _line(package: str) -> str:
    return f"{package} is not installed; training, and models that are not exported to ONNX, need it: {INSTALL_TRAIN}"
