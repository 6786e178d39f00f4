"""How a training step is computed, as opposed to what: precision and compilation."""

import logging
import shutil
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

Forward = Callable[[Tensor], Tensor]


def compiled(model: nn.Module, device: torch.device) -> Forward:
    """Compile where it pays, on CUDA, and say so where what Triton builds its launcher with is missing."""
    if device.type != "cuda":
        return model
    missing = [
        name
        for name, there in (
            ("Triton", find_spec("triton") is not None),
            ("a C compiler", any(shutil.which(name) for name in ("cc", "gcc", "clang"))),
            ("Python's headers", Path(sysconfig.get_path("include"), "Python.h").is_file()),
        )
        if not there
    ]
    if missing:
        logger.info(
            "without %s the model runs uncompiled: slower, with the same results", " and ".join(missing)
        )
        return model
    compiled_model: Forward = torch.compile(model)
    return compiled_model
