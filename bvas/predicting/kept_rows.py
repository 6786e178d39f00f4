"""Score rows of an unfinished video, kept beside the results so that a kill costs seconds of work."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bvas.inference.file_rows import FrameGap
from bvas.inference.precision import prediction_dtype
from bvas.inference.spot_video import RowsSoFar
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.system.devices import Precision
from bvas.video.index.file_identity import Glance

logger = logging.getLogger(__name__)


def unfinished_settings(
    rows: Mapping[str, Any], video: Glance, *, backend: str, device: torch.device, precision: Precision
) -> dict[str, Any]:
    """Return, as plain data, what the rows of an unfinished video are made from.

    Rows of another decoder, precision or type of device would not be those of an uninterrupted run.

    Args:
        rows: What `rows_settings` gives.
        video: A glance at its file.
        backend: What decodes it.
        device: Where is computed.
        precision: What was asked to be computed in.
    """
    return {
        "rows": rows,
        "video": asdict(video),
        "backend": backend,
        "computed_in": [device.type, str(prediction_dtype(device, precision))],
    }


class KeptRows:
    """Keeps rows of one video in a file; an instance is a `KeepRows`."""

    def __init__(self, path: Path, made_from: Any, *, seconds: float) -> None:
        """Take what the rows are made from.

        Args:
            path: An `.npz`.
            made_from: Plain data; rows that were made from anything else are not loaded.
            seconds: Shortest time between two saves.
        """
        self._path = path
        self._made_from = json.dumps(made_from, sort_keys=True)
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._unsaved: RowsSoFar | None = None

    def load(self) -> RowsSoFar | None:
        """Return the rows of an earlier try, or None if there are none made from the same."""
        try:
            # Opened here: np.load leaves a file that is no archive open.
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if str(stored["made_from"]) != self._made_from:
                    return None
                lost = tuple(
                    FrameGap(int(a), int(b), str(reason)) for a, b, reason in json.loads(str(stored["lost"]))
                )
                return RowsSoFar(stored["scores"], lost)
        except FileNotFoundError:
            return None
        except (*ARCHIVE_FAULTS, TypeError) as error:
            logger.warning("%s is not used, the video is begun anew: %s", self._path, error)
            return None

    def __call__(self, rows: RowsSoFar) -> None:
        """Take all rows so far, and save them if the last save is long ago.

        Raises:
            DataError: they cannot be written.
        """
        self._unsaved = rows
        if time.monotonic() - self._saved_at >= self._seconds:
            self.save()

    def save(self) -> None:
        """Save what is not saved yet.

        Raises:
            DataError: it cannot be written.
        """
        if self._unsaved is None:
            return
        with replacing(self._path) as temporary:
            np.savez(
                temporary,
                scores=self._unsaved.scores,
                lost=np.array(json.dumps(self._unsaved.gaps)),
                made_from=np.array(self._made_from),
            )
        self._unsaved = None
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)
