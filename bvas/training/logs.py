"""A row per epoch to CSV and to TensorBoard."""

import csv
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from bvas import __version__
from bvas.files import replacing


class EpochLog:
    """`log.csv`, rewritten whole after each epoch, and TensorBoard events in the folder `tensorboard`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder / "log.csv"
        self._rows: list[dict[str, float]] = []
        self._board: SummaryWriter = SummaryWriter(str(folder / "tensorboard"))

    def add(self, epoch: int, values: dict[str, float]) -> None:
        """Add the figures of one epoch; all epochs must have the same names."""
        self._rows.append({"epoch": epoch, **values})
        with replacing(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, fieldnames=list(self._rows[0]))
            table.writeheader()
            table.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in self._rows)
        for name, value in values.items():
            self._board.add_scalar(name, value, epoch)
        self._board.flush()

    def close(self) -> None:
        """Flush and close the TensorBoard file."""
        self._board.close()


def environment() -> dict[str, str]:
    """Return the versions and the machine that a run was made with."""
    facts = {
        "bvas": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }
    for package in ("timm", "kornia", "av", "opencv-python-headless", "numpy", "scipy"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts
