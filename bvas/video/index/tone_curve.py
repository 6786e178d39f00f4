"""Tone mapping of HDR video (PQ, HLG) to SDR: its formula, and tables of it for stored codes.

A code becomes an 8-bit SDR code in six steps. All light is that of the display, in cd/m2.

1. Code to signal E' in [0, 1] by the range tag (ITU-R BT.2100, table 9), clamped.
2. Signal to light F.
   PQ: the EOTF of SMPTE ST 2084 (BT.2100, table 4), 10000 cd/m2 at E' = 1.
   HLG: the inverse OETF of ARIB STD-B67 (BT.2100, table 5), then the OOTF F = 1000 E^1.2: a display of
   1000 cd/m2 with black at 0.
3. The light is limited to 1000 cd/m2, the usual peak of mastering. Brighter light becomes white.
4. The EETF of ITU-R BT.2390, section 5.4.1, in the PQ domain, from [0, 1000] to [0, 203] cd/m2. Black lift is 0.
   Up to the knee at KS = 1.5 max - 0.5 (92 cd/m2) light is kept; a Hermite spline leads from there to the peak.
5. 203 cd/m2, the reference white of ITU-R BT.2408, is SDR's white: the inverse EOTF of ITU-R BT.1886,
   V = (F / 203)^(1 / 2.4), black at 0.
6. V to 8 bits in the range of the source's tag: 16 + 219 V in limited range, 255 V in full range.

Reference white of the source comes out at V = 0.91, the peak at 1. Gray takes luma as achromatic (R' = G' = B').
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange, offset_and_scale
from bvas.video.container.color_tags import Hdr

SOURCE_PEAK = 1000.0
"""Light in cd/m2 that becomes SDR's white; for HLG also the peak of the nominal display."""
REFERENCE_WHITE = 203.0
"""Light in cd/m2 of diffuse white (ITU-R BT.2408, section 2.1), the peak of the SDR picture."""
HLG_GAMMA = 1.2
"""System gamma of HLG at 1000 cd/m2 (BT.2100, table 5, note 5f)."""
_BT1886_GAMMA = 2.4

# BT.2100, table 4.
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_PEAK = 10_000.0
# BT.2100, table 5.
_HLG_A = 0.17883277
_HLG_B = 1 - 4 * _HLG_A
_HLG_C = 0.5 - _HLG_A * float(np.log(4 * _HLG_A))


@lru_cache(maxsize=32)
def tone_table(hdr: Hdr, bits: int, color_range: ColorRange) -> NDArray[np.uint8]:
    """Return the SDR luma of each HDR luma code, uint8 [2 ** bits], read-only.

    Args:
        hdr: The source's system.
        bits: Bits of a code, 8 to 16. BT.2100 has 10 and 12; 8-bit HLG of cameras is scaled alike.
        color_range: Range tag of the source, which is also the table's.
    """
    codes = np.arange(1 << bits, dtype=np.float64)
    if color_range == "full":
        signal = codes / ((1 << bits) - 1)
    else:
        signal = (codes / (1 << (bits - 8)) - 16) / 219
    table = sdr_codes(sdr_signal(achromatic_light(np.clip(signal, 0, 1), hdr)), color_range)
    table.setflags(write=False)
    return table


def achromatic_light(signal: NDArray[np.float64], hdr: Hdr) -> NDArray[np.float64]:
    """Return the light in cd/m2, float64, of signals in [0, 1] with R' = G' = B' (steps 2)."""
    if hdr == "PQ":
        return pq_light(signal)
    light: NDArray[np.float64] = SOURCE_PEAK * hlg_scene(signal) ** HLG_GAMMA
    return light


def pq_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light in cd/m2 of PQ signals in [0, 1] (ST 2084, EOTF)."""
    root = signal ** (1 / _M2)
    light: NDArray[np.float64] = _PQ_PEAK * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return light


def pq_signal(light: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the PQ signals of light in cd/m2 (ST 2084, inverse EOTF)."""
    power = np.asarray(light / _PQ_PEAK, np.float64) ** _M1
    signal: NDArray[np.float64] = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return signal


def hlg_scene(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scene light in [0, 1] of HLG signals in [0, 1] (STD-B67, inverse OETF)."""
    upper = (np.exp((np.maximum(signal, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    return np.where(signal <= 0.5, signal**2 / 3, upper)


def sdr_signal(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the SDR signal in [0, 1] of light in cd/m2: knee and inverse BT.1886 (steps 3 to 5)."""
    # Both black levels are 0 cd/m2, whose PQ signal is almost 0.
    peak = float(pq_signal(SOURCE_PEAK))
    top = float(pq_signal(REFERENCE_WHITE)) / peak
    knee = 1.5 * top - 0.5
    level = pq_signal(np.clip(light, 0, SOURCE_PEAK)) / peak
    place = np.clip((level - knee) / (1 - knee), 0, 1)
    # BT.2390, section 5.4.1: the Hermite spline P[B].
    spline = (
        (2 * place**3 - 3 * place**2 + 1) * knee
        + (place**3 - 2 * place**2 + place) * (1 - knee)
        + (-2 * place**3 + 3 * place**2) * top
    )
    mapped = pq_light(np.where(level < knee, level, spline) * peak)
    return np.clip(mapped / REFERENCE_WHITE, 0, 1) ** (1 / _BT1886_GAMMA)


def sdr_codes(signal: NDArray[np.float64], color_range: ColorRange) -> NDArray[np.uint8]:
    """Return the 8-bit codes of SDR signals in [0, 1] (step 6), uint8."""
    offset, scale = offset_and_scale(color_range, "range")
    return np.rint(offset + scale * signal).astype(np.uint8)
