"""Logs of a run: a row per epoch, TensorBoard events, and the environment."""

import csv
import io
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from bvas import __version__
from bvas.errors import DataError
from bvas.system.atomic_files import replacing
from bvas.system.text_files import read_text
from bvas.training.run_state import Row

LOG_NAME = "log.csv"
BOARD_NAME = "tensorboard"


class EpochLog:
    """`log.csv`, rewritten whole after each epoch, and TensorBoard events in the folder `tensorboard`."""

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        """Begin, or continue after the epochs of `rows`; later rows on disk are dropped.

        Raises:
            DataError: the folder cannot be written to.
        """
        from torch.utils.tensorboard import SummaryWriter

        self.rows: list[Row] = list(rows)
        """Figures of the epochs so far."""
        self._path = folder / LOG_NAME
        if self.rows:
            self._write()
        else:
            self._path.unlink(missing_ok=True)
            shutil.rmtree(folder / BOARD_NAME, ignore_errors=True)
        with _disk_errors(folder):
            # TensorBoard drops events from `purge_step` on that older files hold.
            self.board: SummaryWriter = SummaryWriter(
                str(folder / BOARD_NAME), purge_step=len(self.rows) or None
            )
            """For pictures too; steps are epochs."""

    def add(self, values: Row) -> None:
        """Add the figures of the next epoch; all epochs must have the same names.

        Raises:
            DataError: they cannot be written.
        """
        epoch = len(self.rows)
        self.rows.append(values)
        self._write()
        with _disk_errors(self._path.parent):
            for name, value in values.items():
                self.board.add_scalar(name, value, epoch)
            self.board.flush()

    def close(self) -> None:
        """Flush and close the TensorBoard file."""
        self.board.close()

    def _write(self) -> None:
        with replacing(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, fieldnames=["epoch", *self.rows[0]])
            table.writeheader()
            for epoch, row in enumerate(self.rows):
                table.writerow({"epoch": epoch, **{name: f"{value:.6g}" for name, value in row.items()}})


def read_log(folder: Path) -> list[Row]:
    """Return the figures of the epochs that a fold's log holds.

    Raises:
        DataError: the log is missing or damaged.
    """
    path = folder / LOG_NAME
    rows = list(csv.DictReader(io.StringIO(read_text(path))))
    try:
        return [{name: float(value) for name, value in row.items() if name != "epoch"} for row in rows]
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}") from error


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {folder / BOARD_NAME}: {error.strerror or error}; free some space, then start again"
        ) from error


_COLUMNS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("loss", "train_loss", lambda row: f"{row['train_loss']:.4f}"),
    ("val loss", "val_loss", lambda row: f"{row['val_loss']:.4f}"),
    ("val AP", "val_average_precision", lambda row: f"{row['val_average_precision']:.3f}"),
    ("acc", "train_accuracy", lambda row: f"{row['train_accuracy']:.3f}"),
    ("val F1", "val_macro_f1", lambda row: f"{row['val_macro_f1']:.3f}"),
    ("val acc", "val_accuracy", lambda row: f"{row['val_accuracy']:.3f}"),
    ("rate", "learning_rate", lambda row: f"{row['learning_rate']:.1e}"),
    ("clips/s", "clips_per_second", lambda row: f"{row['clips_per_second']:.1f}"),
    ("waiting", "waiting_share", lambda row: f"{row['waiting_share']:.0%}"),
    ("seconds", "seconds", lambda row: f"{row['seconds']:.0f}"),
)


def table_lines(epoch: int, num_epochs: int, row: Row, *, header: bool) -> list[str]:
    """Return the line of an epoch in columns, below a header line if wanted."""
    columns = [(title, text(row)) for title, name, text in _COLUMNS if name in row]
    lines = [("epoch".rjust(9), *(title.rjust(9) for title, _ in columns))] if header else []
    lines.append((f"{epoch + 1}/{num_epochs}".rjust(9), *(text.rjust(9) for _, text in columns)))
    return ["".join(line) for line in lines]


def environment(device: torch.device | str = "cpu") -> dict[str, str]:
    """Return versions and machine of a run, and the commit if bvas runs from a working copy."""
    is_cuda = torch.device(device).type == "cuda"
    facts = {
        "bvas": __version__,
        "commit": _commit() or "none",
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cuda": (torch.version.cuda or "none") if is_cuda else "none",
        "machine": platform.machine(),
        "system": platform.system(),
        "device": torch.cuda.get_device_name(device) if is_cuda else "cpu",
        # On a CPU, sums are split by threads, so rounding depends on their number.
        "threads": str(torch.get_num_threads()),
    }
    for package in ("timm", "kornia", "av", "opencv-python-headless", "numpy", "scipy"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def _commit() -> str | None:
    """Return the commit of the working copy that bvas runs from, with `+changes` where files differ from it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    commit, changes = (
        subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    )
    if commit.returncode:
        return None
    return commit.stdout.strip() + ("+changes" if changes.stdout.strip() else "")
