"""Published weights of the reference system: where they are, and how they are downloaded."""

import re
import shutil
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

from bvas.errors import DataError
from bvas.lromul.weights import best_checkpoints
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.system.download import download, split_hash
from bvas.values.progress import Progress

FOLDER_URL = "https://drive.google.com/drive/folders/1mIu62cIdsRn3W4o1E5vRR8V5Q1B6HHoz"
"""The author's folder."""
_FOLD_FILE = re.compile(r"(?:^|/)(fold_\d+)/([^/\\:]+\.pth)$")
_TIMEOUT_SECONDS = 60.0
_RETRIES = 3

Bar = Callable[[str], AbstractContextManager[Progress]]
"""Returns the progress bar of a file."""


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """An experiment of the reference system that its author publishes."""

    folder: str
    """Path below the author's folder, the last part is the experiment's name."""
    labels: str
    score: str
    """As the author states it."""

    @property
    def experiment(self) -> str:
        """Name in the reference system."""
        return PurePosixPath(self.folder).name


PUBLISHED = {
    "ball": PublishedWeights(
        folder="ball_action/experiments/ball_finetune_long_004",
        labels="passes and drives",
        score="86.47 % mAP@1 on the challenge of 2023",
    )
}


def about(weights: PublishedWeights) -> list[str]:
    """Return origin, license and standing of weights, as lines for people."""
    return [
        f"{weights.experiment} of lRomul/ball-action-spotting, by Ruslan Baikulov: {weights.labels}",
        "license: MIT for the author's repository; the folder of the weights states none of its own. They were "
        "trained on SoccerNet's videos, whose terms apply (https://www.soccer-net.org/data)",
        f"scores: the author reports {weights.score}; bvas has not measured these weights on real matches",
    ]


def manual_steps(name: str) -> str:
    """Return how weights come in without gdown."""
    weights = PUBLISHED[name]
    return (
        "the author's folder is on Google Drive, and gdown, which reads it, is not installed. Either\n"
        "  pip install 'bvas[download]'     (or: pip install gdown)\n"
        f"  bvas weights download {name}\n"
        "or download the folder with a browser, in two clicks, and import it:\n"
        f"  1. open {FOLDER_URL} and there {PurePosixPath(weights.folder).parent}\n"
        f"  2. right click {weights.experiment}, Download: a zip\n"
        f"  bvas weights import {weights.experiment}.zip --name {name}"
    )


def download_archive(weights: PublishedWeights, address: str, folder: Path, bar: Bar) -> Path:
    """Return a folder of `fold_K` folders from a zip of one; an unfinished download is resumed.

    Args:
        weights: The experiment.
        address: Of the zip; it may end in #sha256=HEX.
        folder: Where the zip and the folder are kept.
        bar: Shows bytes.

    Raises:
        ConfigError: what follows `#` is not a hash.
        DataError: the zip cannot be downloaded, has another hash, or holds no such folder.
    """
    url, wanted = split_hash(address) if "#" in address else (address, None)
    archive = folder / f"{weights.experiment}.zip"
    with bar(archive.name) as progress:
        download(url, archive, sha256=wanted, progress=progress)
    return unpack_folds(archive, folder / weights.experiment)


def download_drive(weights: PublishedWeights, gdown: ModuleType, folder: Path, bar: Bar) -> Path:
    """Return a folder of `fold_K` folders from the author's Google Drive; unfinished files are resumed.

    Args:
        weights: The experiment; of each fold its best checkpoint is downloaded.
        gdown: The package.
        folder: Where the files are kept.
        bar: Shows bytes.

    Raises:
        DataError: the Drive does not answer, or does not hold the experiment.
    """
    out = folder / weights.experiment
    try:
        listed = gdown.download_folder(
            url=FOLDER_URL, output=str(folder), quiet=True, skip_download=True, timeout=_TIMEOUT_SECONDS
        )
        files = {}
        for file in listed:
            path = PurePosixPath(str(file.path).replace("\\", "/"))
            if f"{weights.folder}/" in f"{path}" and (found := _FOLD_FILE.search(str(path))):
                files[out / found[1] / found[2]] = file.id
        wanted = best_checkpoints(files)
        if not wanted:
            raise DataError(f"no checkpoint in {weights.folder} of {FOLDER_URL}; see whether it moved")
        for checkpoint in wanted.values():
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
            with bar(f"{checkpoint.parent.name}/{checkpoint.name}") as progress:
                gdown.download(
                    id=files[checkpoint],
                    output=str(checkpoint),
                    quiet=True,
                    resume=True,
                    timeout=_TIMEOUT_SECONDS,
                    retries=_RETRIES,
                    progress=lambda done, total, show=progress: show(done, total or done),
                )
    except (gdown.DownloadError, OSError) as error:
        # Google limits downloads of files that many people ask for.
        raise DataError(
            f"cannot download from {FOLDER_URL}: {error}; try again later, finished files are kept, or download "
            f"{weights.experiment} with a browser and import it with 'bvas weights import'"
        ) from error
    return out


def unpack_folds(archive: Path, out: Path) -> Path:
    """Write the checkpoints of a zip as `out/fold_K/NAME.pth`, and return `out`; nothing else is unpacked.

    Raises:
        DataError: it is not a zip, is damaged, or holds no fold with a checkpoint.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            found = [(name, match) for name in opened.namelist() if (match := _FOLD_FILE.search(name))]
            for name, match in found:
                with replacing(out / match[1] / match[2]) as temporary:
                    with opened.open(name) as source, temporary.open("wb") as target:
                        shutil.copyfileobj(source, target)
    except ARCHIVE_FAULTS as error:
        raise DataError(
            f"cannot unpack {archive}: {error}; is the download complete? Download it again"
        ) from error
    if not found:
        raise DataError(f"{archive} holds no fold_K/NAME.pth; it must be the zip of an experiment's folder")
    return out
