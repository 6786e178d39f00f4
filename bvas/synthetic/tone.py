"""Tone whose pitch codes the second, so that sound and picture can be compared.

Two sines sound together. In second s of a video the lower has 500 + 25 * (s mod 60) Hz and tells the second of a
minute; the higher has 2500 + 25 * (s div 60 mod 100) Hz and tells the minute. 0.1 s of sound keeps 25 Hz apart.
"""

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
"""Samples per second."""
_STEP_HZ, _SECONDS_HZ, _MINUTES_HZ = 25, 500, 2500
_AMPLITUDE = 0.2


def tone_of(second: int) -> NDArray[np.float32]:
    """Return the sound of a second from 0, float32 [48000] in [-1, 1]."""
    minutes, seconds = divmod(second, 60)
    # Whole periods fill a second, so that nothing clicks between two.
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    pitches = _SECONDS_HZ + _STEP_HZ * seconds, _MINUTES_HZ + _STEP_HZ * (minutes % 100)
    sines = (np.sin(2 * np.pi * pitch * times) for pitch in pitches)
    return np.asarray(_AMPLITUDE * sum(sines), dtype=np.float32)
