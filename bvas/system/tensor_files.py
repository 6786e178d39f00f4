"""Tensors of a safetensors file with their metadata."""

from pathlib import Path
from typing import TYPE_CHECKING

from bvas.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


def read_tensors(path: Path, remedy: str) -> "tuple[dict[str, str], dict[str, Tensor]]":
    """Return the metadata and the tensors of a file, on the CPU.

    Args:
        path: The file.
        remedy: End of the message about a file of another kind.

    Raises:
        CheckpointError: it cannot be read, or is not a safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file ({error}); {remedy}") from error
