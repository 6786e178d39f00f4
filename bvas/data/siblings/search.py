"""Search for siblings: samples on different sides of a split that are one.

Same content is found by size and hash. Near copies (mirrored, turned, shifted, coded again) are found by what moves in
them. The result is kept in the cache folder, under the fingerprints of all files.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from bvas.data.siblings.candidates import Keypoints, find_candidates
from bvas.data.siblings.confirmation import LEAST_AGREEMENT, agreement, fitted_map
from bvas.data.siblings.motion_features import SIDE, MotionFeatures, read_features
from bvas.data.siblings.samples import Sample
from bvas.errors import DataError, DecodeError
from bvas.system.atomic_files import write_json
from bvas.system.cache_folder import cache_folder
from bvas.system.cpu_cores import num_cpus
from bvas.values.progress import Progress
from bvas.video.decode.open_video import open_video
from bvas.video.index.file_identity import content_digest, fingerprint_of, place_of

logger = logging.getLogger(__name__)

# Raise it whenever another search would give another result.
_VERSION = 2
_LENGTH_SECONDS, _LENGTH_SHARE = 0.5, 1e-4


@dataclass(frozen=True, slots=True)
class Sibling:
    """Two samples on different sides that are one."""

    first: str
    first_side: str
    second: str
    second_side: str
    how: str
    """`same content`, `near copy` or `mirrored copy`."""

    def __str__(self) -> str:
        return f"'{self.first}' ({self.first_side}) and '{self.second}' ({self.second_side}): {self.how}"


@dataclass(frozen=True, slots=True)
class Siblings:
    """Pairs of siblings, and what was compared."""

    pairs: tuple[Sibling, ...] = ()
    """Of each sample with the same content one pair, of near copies all."""
    num_compared: int = 0
    """Samples that were compared by their pictures."""
    num_still: int = 0
    """Samples of them in which nothing moves, or that cannot be decoded: near copies of them are not found."""
    is_complete: bool = True
    """False where near copies were not looked for."""


def find_siblings(
    samples: Sequence[Sample], *, most_compared: int | None = None, progress: Progress | None = None
) -> Siblings:
    """Find pairs of samples on different sides with the same content, and near copies.

    Near copies are looked for among samples of the same length (to 0.5 s). Of each, six frames are decoded.

    Args:
        samples: All samples.
        most_compared: Look for near copies only if not more samples have to be compared; None: always.
        progress: Called with the samples read so far and all there are.

    Raises:
        DataError: a file cannot be read.
    """
    entry = _entry_of(samples)
    found = _kept(entry)
    if found is not None:
        return found
    same = _same_content(samples)
    chosen = [sample for sample, others in zip(samples, _with_others_alike(samples), strict=True) if others]
    if most_compared is not None and len(chosen) > most_compared:
        return Siblings(pairs=tuple(same), is_complete=False)
    known = {(pair.first, pair.second) for pair in same}
    failed: list[Sample] = []
    features = _read_all(chosen, failed, progress)
    copies = [pair for pair in _near_copies(chosen, features) if (pair.first, pair.second) not in known]
    num_still = sum(one is None for one in features)
    found = Siblings((*same, *copies), num_compared=len(chosen), num_still=num_still)
    if not failed:
        _keep(entry, found)
    return found


def _same_content(samples: Sequence[Sample]) -> list[Sibling]:
    """Return for each sample whose file is also on another side, a pair with the first such one."""
    by_size: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_size[fingerprint_of(sample.path).size].append(sample)
    pairs = []
    for alike in by_size.values():
        if len({sample.side for sample in alike}) < 2:
            continue
        by_digest: defaultdict[str, list[Sample]] = defaultdict(list)
        digests = {path: content_digest(path) for path in {sample.path for sample in alike}}
        for sample in alike:
            digest = digests[sample.path]
            other = next((one for one in by_digest[digest] if one.side != sample.side), None)
            by_digest[digest].append(sample)
            if other is not None:
                pairs.append(_sibling(other, sample, "same content"))
    return pairs


def _with_others_alike(samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Return which samples have the length of one on another side."""
    lengths = np.array([sample.end_seconds - sample.begin_seconds for sample in samples])
    tolerance = _LENGTH_SECONDS + _LENGTH_SHARE * lengths

    def counts(among: NDArray[np.intp]) -> NDArray[np.intp]:
        ordered = np.sort(lengths[among])
        first = np.searchsorted(ordered, lengths[places] - tolerance[places], side="left")
        return np.searchsorted(ordered, lengths[places] + tolerance[places], side="right") - first

    found = np.zeros(len(samples), np.bool_)
    by_side: defaultdict[str, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        by_side[sample.side].append(number)
    everything = np.arange(len(samples))
    places = everything
    of_all = counts(everything)
    for members in by_side.values():
        places = np.array(members)
        found[places] = of_all[places] > counts(places)
    return found


def _read_all(
    samples: Sequence[Sample], failed: list[Sample], progress: Progress | None
) -> list[MotionFeatures | None]:
    # np.load parses text with `ast`, which Python 3.11 does not always do in two threads at once (gh-106905).
    opening = Lock()

    def read(sample: Sample) -> MotionFeatures | None:
        try:
            with opening:
                opened = open_video(sample.path, "pyav", size=(SIDE, SIDE))
            with opened as reader:
                return read_features(reader, sample.begin_seconds, sample.end_seconds)
        except DecodeError as error:
            logger.warning("%s is not compared with others: %s", sample.name, error)
            failed.append(sample)
            return None

    features = []
    # Decoding and finding keypoints release Python's lock.
    with ThreadPoolExecutor(num_cpus()) as pool:
        for number, found in enumerate(pool.map(read, samples), start=1):
            features.append(found)
            if progress is not None:
                progress(number, len(samples))
    return features


def _near_copies(samples: Sequence[Sample], features: Sequence[MotionFeatures | None]) -> list[Sibling]:
    if sum(one is not None for one in features) < 2:
        return []
    names = sorted({sample.side for sample in samples})
    numbers = {side: number for number, side in enumerate(names)}
    sides = np.array([numbers[sample.side] for sample in samples])
    keypoints = Keypoints.of(features)
    pairs = []
    for one, other, is_mirrored in find_candidates(keypoints, sides):
        first, second = features[one], features[other]
        assert first is not None
        assert second is not None
        found = fitted_map(keypoints, one, other, is_mirrored=is_mirrored)
        if found is None:
            continue
        if agreement(first.thumbnails, second.thumbnails, found) >= LEAST_AGREEMENT:
            pairs.append((one, other, "mirrored copy" if is_mirrored else "near copy"))
    return [_sibling(samples[one], samples[other], how) for one, other, how in sorted(pairs)]


def _sibling(one: Sample, other: Sample, how: str) -> Sibling:
    return Sibling(one.name, one.side, other.name, other.side, how)


def _entry_of(samples: Sequence[Sample]) -> Path | None:
    """Return the place of the result in the cache folder; None where the user has none."""
    folder = cache_folder()
    if folder is None:
        return None
    digest = hashlib.sha256(f"{_VERSION}".encode())
    for sample in samples:
        facts = [
            place_of(sample.path),
            asdict(fingerprint_of(sample.path)),
            sample.begin_seconds,
            sample.end_seconds,
        ]
        digest.update(json.dumps([*facts, sample.name, sample.side]).encode())
    return folder / "siblings" / f"{digest.hexdigest()[:32]}.json"


def _kept(entry: Path | None) -> Siblings | None:
    if entry is None or not entry.is_file():
        return None
    try:
        content = json.loads(entry.read_text(encoding="utf-8"))
        pairs = tuple(Sibling(**pair) for pair in content.pop("pairs"))
        return Siblings(pairs=pairs, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return None


def _keep(entry: Path | None, found: Siblings) -> None:
    if entry is None:
        return
    try:
        write_json(entry, asdict(found))
    except (OSError, DataError) as error:
        logger.debug("the siblings are not cached: %s", error)
