"""Subtitles for players: SubRip (srt) and WebVTT (vtt).

Some players show one of two subtitles that overlap, others stack them in either order. So none overlap here: a
subtitle shows all spots of its time, a line each, and begins or ends where one of them does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from io import StringIO
from itertools import pairwise

from bvas.errors import ConfigError
from bvas.report.formats.exported_spots import spot_text
from bvas.report.formats.optional import needed
from bvas.results.video_result import VideoResult
from bvas.values.annotations import Spot

MOST_LINES = 4
"""Of more spots at a time the oldest give way."""
_JOINER = "\u2060"  # of no width: it breaks up what a player would take for a command


@dataclass(frozen=True, slots=True)
class Cue:
    """Spots that are on screen for a while."""

    start_ms: int
    stop_ms: int
    spots: tuple[Spot, ...]
    """The latest last."""


def cues_of(spots: Sequence[Spot], hold_seconds: float, *, offset_seconds: float = 0.0) -> list[Cue]:
    """Return subtitles that do not overlap, in order; each spot begins one, at its time.

    Args:
        spots: In order of time.
        hold_seconds: How long a spot stays, unless more than `MOST_LINES` are there.
        offset_seconds: Added to all times.

    Raises:
        ConfigError: a length below a millisecond.
    """
    hold_ms = round(hold_seconds * 1000)
    if hold_ms < 1:
        raise ConfigError(f"a subtitle must stay for at least 0.001 s, got {hold_seconds}")
    starts = [_start_ms(spot.seconds + offset_seconds) for spot in spots]
    borders = sorted({time for start in starts for time in (start, start + hold_ms)})
    cues = []
    first = 0
    for start, stop in pairwise(borders):
        while first < len(spots) and starts[first] + hold_ms <= start:
            first += 1
        shown = [number for number in range(first, len(spots)) if starts[number] <= start]
        # Those that begin now are shown, however many they are.
        new = sum(starts[number] == start for number in shown)
        shown = shown[-max(MOST_LINES, new) :]
        if shown:
            cues.append(Cue(start, stop, tuple(spots[number] for number in shown)))
    return cues


def srt_text(part: VideoResult, hold_seconds: float, offset_seconds: float = 0.0) -> str:
    """Return a part's spots as SubRip; arguments as of `cues_of`.

    Raises:
        ConfigError: the package `srt` is missing, or a length below a millisecond.
    """
    srt = needed("srt")
    subtitles = [
        srt.Subtitle(
            index=None,
            start=timedelta(milliseconds=cue.start_ms),
            end=timedelta(milliseconds=cue.stop_ms),
            content="\n".join(_srt_line(spot_text(spot)) for spot in cue.spots),
        )
        for cue in cues_of(part.spots, hold_seconds, offset_seconds=offset_seconds)
    ]
    return str(srt.compose(subtitles))


def vtt_text(part: VideoResult, hold_seconds: float, offset_seconds: float = 0.0) -> str:
    """Return a part's spots as WebVTT; arguments as of `cues_of`.

    Raises:
        ConfigError: the package `webvtt-py` is missing, or a length below a millisecond.
    """
    webvtt = needed("webvtt")
    captions = webvtt.WebVTT()
    for cue in cues_of(part.spots, hold_seconds, offset_seconds=offset_seconds):
        lines = [escape(spot_text(spot), quote=False) for spot in cue.spots]
        captions.captions.append(webvtt.Caption(_clock(cue.start_ms), _clock(cue.stop_ms), "\n".join(lines)))
    text = StringIO()
    captions.write(text)
    return text.getvalue().rstrip("\n") + "\n"


def _start_ms(seconds: float) -> int:
    # Rounded up, so that the frame of the spot is on screen and not the one before it.
    return max(0, math.ceil(seconds * 1000 - 1e-3))


def _srt_line(text: str) -> str:
    """Break up tags and commands, which SubRip cannot escape; braces hide what they hold, so they become round."""
    text = text.replace("{", "(").replace("}", ")").replace("\\", "\\" + _JOINER)
    return text.replace("<", "<" + _JOINER).replace("-->", "--" + _JOINER + ">")


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
