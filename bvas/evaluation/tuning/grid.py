"""Grid of the rules that are tried."""

from dataclasses import dataclass, replace
from itertools import product

from bvas.errors import ConfigError
from bvas.experiment.peak_config import PeakRule

# At 25 rows a second. Passes follow each other within 7 to 26 frames in one case of 20, so distances are dense there.
_SIGMAS_SECONDS = (0.0, 0.04, 0.06, 0.08, 0.12, 0.16, 0.2, 0.28, 0.4)
_DISTANCES_SECONDS = (0.2, 0.28, 0.36, 0.44, 0.52, 0.6, 0.72, 0.84, 1.0, 1.24, 1.6, 2.0)
# A lower one never costs average precision, since what it adds ranks behind all else; it makes files larger.
_HEIGHTS = (0.005, 0.01)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleGrid:
    """Smoothing, distances and heights, all of which are tried with each other."""

    sigmas_frames: tuple[float, ...]
    """Standard deviations of the Gaussian."""
    distances_frames: tuple[int, ...]
    """Smallest distances between two spots."""
    heights: tuple[float, ...]
    """Smallest smoothed scores of a candidate."""

    def __post_init__(self) -> None:
        if not (self.sigmas_frames and self.distances_frames and self.heights):
            raise ConfigError(f"a grid of rules needs a value of each kind, got {self}")

    def rules(self, own: PeakRule) -> list[PeakRule]:
        """Return the rules in the order in which they are preferred where they score alike.

        Args:
            own: The rule that a label has so far; it comes first, then those that are nearest to it.
        """
        sigmas = sorted({*self.sigmas_frames, own.sigma_frames})
        distances = sorted({*self.distances_frames, own.min_distance_frames})
        heights = sorted({*self.heights, own.min_height})

        def steps(rule: PeakRule) -> int:
            return (
                abs(sigmas.index(rule.sigma_frames) - sigmas.index(own.sigma_frames))
                + abs(distances.index(rule.min_distance_frames) - distances.index(own.min_distance_frames))
                + abs(heights.index(rule.min_height) - heights.index(own.min_height))
            )

        rules = [
            replace(
                own,
                sigma_frames=sigma,
                min_distance_frames=distance,
                min_height=height,
                operating_point=max(own.operating_point, height),
            )
            for sigma, distance, height in product(sigmas, distances, heights)
        ]
        return sorted(rules, key=steps)


def default_grid(rate: float) -> RuleGrid:
    """Return the rules that are tried on curves of so many rows a second."""
    return RuleGrid(
        sigmas_frames=tuple(round(seconds * rate, 6) for seconds in _SIGMAS_SECONDS),
        distances_frames=tuple(sorted({max(1, round(seconds * rate)) for seconds in _DISTANCES_SECONDS})),
        heights=_HEIGHTS,
    )
