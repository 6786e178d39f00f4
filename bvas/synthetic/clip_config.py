"""Settings of a set of action clips: labels, their proportions, and which clip shows what."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bvas.errors import ConfigError
from bvas.video.container.frame_rate import as_rate
from bvas.video.encode.encoder import Codec

LABELS = ("stand", "walk", "run", "dribble", "control", "pass", "header", "throw", "rise", "fall")
"""In the order of their class numbers."""
SPACEJAM_PROPORTIONS = (6490, 11749, 5924, 3490, 2362, 3866, 712, 426, 996, 1070)
"""The ten counts of SpaceJam's 37,085 clips, in the order of `LABELS`. What is common on a pitch gets a large one."""
SECONDS = Fraction(8, 5)
"""Length of a clip: 16 frames at 10 a second."""
_LEAST_EDGE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSetConfig:
    """A set of clips of one player each, in matches that each have their own kits, pitch, light and camera."""

    matches: int = 20
    """Groups of clips; at least 3, one for each split."""
    clips: int = 3000
    """Clips of all matches; at least one for each match and one for each label."""
    proportions: tuple[float, ...] = SPACEJAM_PROPORTIONS
    """Share of each label, on any scale, in the order of `LABELS`; above 0."""
    size: tuple[int, int] = (176, 128)
    """(H, W) of the pictures, both even and at least 64."""
    rate: Fraction = Fraction(10)
    """Frames per second, 5 to 60; a clip lasts 1.6 s."""
    codec: Codec = "h264"
    keyframe_interval: int = 250
    """Frames from one keyframe to the next."""
    seed: int = 0
    color: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", as_rate(self.rate))
        if self.matches < 3:
            raise ConfigError(f"matches must be at least 3, one for each split, got {self.matches}")
        if self.clips < max(self.matches, len(LABELS)):
            raise ConfigError(
                f"clips must be at least {max(self.matches, len(LABELS))}, one for each match and each label, "
                f"got {self.clips}"
            )
        if len(self.proportions) != len(LABELS) or not all(0 < share < np.inf for share in self.proportions):
            raise ConfigError(
                f"proportions must be {len(LABELS)} numbers above 0, one for each label, got {self.proportions}"
            )
        height, width = self.size
        if min(self.size) < _LEAST_EDGE or height % 2 or width % 2:
            raise ConfigError(f"size must be (H, W), both even and at least {_LEAST_EDGE}, got {self.size}")
        if not 5 <= self.rate <= 60:
            raise ConfigError(f"rate must be 5 to 60 frames per second, got {self.rate}")
        if self.keyframe_interval < 1 or self.seed < 0:
            raise ConfigError(
                "keyframe_interval must be at least 1 and seed at least 0, got "
                f"{self.keyframe_interval} and {self.seed}"
            )

    @property
    def num_frames(self) -> int:
        """Frames of a clip (F)."""
        return round(SECONDS * self.rate)

    def counts(self) -> tuple[int, ...]:
        """Return the clips of each label: the proportions, rounded to a sum of `clips`, at least one each."""
        shares = np.array(self.proportions, dtype=np.float64)
        exact = shares / shares.sum() * self.clips
        counts = np.maximum(1, np.floor(exact)).astype(int)
        while counts.sum() != self.clips:
            step = 1 if counts.sum() < self.clips else -1
            # The label that is farthest from its share gives or takes one; none falls below one.
            lacking = np.where((counts > 1) | (step > 0), step * (exact - counts), -np.inf)
            counts[np.argmax(lacking)] += step
        return tuple(counts.tolist())

    def clips_of(self, match: int) -> range:
        """Return the numbers of the clips of a match, from 0; they follow one another."""
        each, more = divmod(self.clips, self.matches)
        start = match * each + min(match, more)
        return range(start, start + each + (match < more))

    def labels(self) -> tuple[str, ...]:
        """Return the label of each clip; the clips of a label are dealt to the matches in turn."""
        dealt = np.repeat(LABELS, self.counts())
        rng = np.random.default_rng((self.seed, len(LABELS)))
        hands = [rng.permutation(dealt[match :: self.matches]) for match in range(self.matches)]
        return tuple(np.concatenate(hands).tolist())
