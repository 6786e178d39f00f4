"""TrackingScores: all figures of tracks against true tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.clear_mot import ClearMot, clear_counts, combined_clear
from bvas.metrics.hota import ALPHAS, Hota, combined_hota, hota_sums
from bvas.metrics.identity_scores import IdentityScores, combined_identity, identity_counts
from bvas.metrics.track_overlaps import TrackRows, sequence_overlaps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackingScores:
    """Figures of one sequence, or of several together; scores in [0, 1], MOTA up to 1."""

    hota_sums: Hota
    identity: IdentityScores
    clear: ClearMot
    num_truth: int
    """True identities."""
    num_tracks: int
    """Tracked identities."""

    @property
    def hota(self) -> float:
        """HOTA, mean over the thresholds."""
        return float(self.hota_sums.hota.mean())

    @property
    def detection(self) -> float:
        """DetA, mean over the thresholds."""
        return float(self.hota_sums.detection.mean())

    @property
    def association(self) -> float:
        """AssA, mean over the thresholds."""
        return float(self.hota_sums.association.mean())

    @property
    def localization(self) -> float:
        """LocA, mean over the thresholds."""
        return float(self.hota_sums.localization.mean())

    @property
    def idf1(self) -> float:
        """IDF1 at IoU 0.5."""
        return self.identity.f1

    @property
    def mota(self) -> float:
        """MOTA at IoU 0.5."""
        return self.clear.accuracy

    @property
    def num_true_boxes(self) -> int:
        """True boxes."""
        return self.clear.matches + self.clear.misses

    @property
    def num_boxes(self) -> int:
        """Tracked boxes."""
        return self.clear.matches + self.clear.false_alarms

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data, under TrackEval's names."""
        sums, identity, clear = self.hota_sums, self.identity, self.clear
        by_alpha = {
            "HOTA": sums.hota,
            "DetA": sums.detection,
            "AssA": sums.association,
            "AssRe": sums.association_recall,
            "AssPr": sums.association_precision,
            "LocA": sums.localization,
        }
        return {
            "true_boxes": self.num_true_boxes,
            "boxes": self.num_boxes,
            "true_identities": self.num_truth,
            "identities": self.num_tracks,
            **{name: float(values.mean()) for name, values in by_alpha.items()},
            "IDF1": identity.f1,
            "IDP": identity.precision,
            "IDR": identity.recall,
            "IDTP": identity.matches,
            "IDFN": identity.misses,
            "IDFP": identity.false_alarms,
            "MOTA": clear.accuracy,
            "MOTP": clear.precision,
            "TP": clear.matches,
            "FN": clear.misses,
            "FP": clear.false_alarms,
            "IDSW": clear.switches,
            "Frag": clear.fragments,
            "MT": clear.mostly_tracked,
            "PT": clear.partly_tracked,
            "ML": clear.mostly_lost,
            "alphas": np.round(ALPHAS, 2).tolist(),
            "by_alpha": {name: values.tolist() for name, values in by_alpha.items()},
        }


def score_tracks(truth: TrackRows, tracks: TrackRows) -> TrackingScores:
    """Return all figures of the tracks of one sequence."""
    sequence = sequence_overlaps(truth, tracks)
    return TrackingScores(
        hota_sums=hota_sums(sequence),
        identity=identity_counts(sequence),
        clear=clear_counts(sequence),
        num_truth=len(sequence.truth_lengths),
        num_tracks=len(sequence.track_lengths),
    )


def combined_scores(parts: Sequence[TrackingScores]) -> TrackingScores:
    """Return the figures of several sequences together, from sums over all their boxes, as TrackEval combines them.

    Raises:
        ConfigError: `parts` is empty.
    """
    if not parts:
        raise ConfigError("got the scores of 0 sequences; combine one at least")
    return TrackingScores(
        hota_sums=combined_hota([part.hota_sums for part in parts]),
        identity=combined_identity([part.identity for part in parts]),
        clear=combined_clear([part.clear for part in parts]),
        num_truth=sum(part.num_truth for part in parts),
        num_tracks=sum(part.num_tracks for part in parts),
    )
