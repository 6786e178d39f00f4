"""Edit lists for editing programs: CMX 3600 (edl) and OpenTimelineIO (otio).

Either a clip for each spot or interval, one behind the other, which makes a film of all actions; or markers, which lie
on the video where the actions are. All is counted in frames of one constant rate, whatever the video's.
"""

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from bvas.report.formats.exported_spots import one_line, spot_text
from bvas.report.formats.optional import needed
from bvas.report.formats.timecode import EditRate
from bvas.results.video_result import VideoResult
from bvas.values.annotations import Spot

_REEL_LETTERS = 8
_TITLE_LETTERS = 60
_MARKER_COLORS = ("BLUE", "RED", "GREEN", "YELLOW", "MAGENTA", "CYAN", "ORANGE", "PURPLE")
_RESOLVE_COLORS = ("Blue", "Red", "Green", "Yellow", "Pink", "Cyan", "Sand", "Purple")


@dataclass(frozen=True, kw_only=True, slots=True)
class EditConfig:
    """Content of an edit list."""

    rate: EditRate
    first_frame: int = 0
    """Frame that the timecode of the first shown frame counts."""
    lead_seconds: float = 3.0
    """Time between the begin of a clip and its spot, unless the video begins later."""
    lag_seconds: float = 3.0
    """Time between the spot and the end of its clip, unless the video ends before."""
    markers: bool = False
    """Markers on the video instead of clips."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """Stretch of the video around a spot, or of an interval, in frames counted from the start timecode.

    An interval stands as a spot at its begin.
    """

    spot: Spot
    frame: int
    start: int
    stop: int
    is_interval: bool = False


def edl_text(part: VideoResult, config: EditConfig) -> str:
    """Return a CMX 3600 list: an event for each spot.

    Clips are named after the video, as programs look for it; the label stands in a locator (at the record
    timecode of the spot, as Avid has it) and a comment. Markers are events of one frame at their own time with
    the line that DaVinci Resolve reads.

    Raises:
        ConfigError: OpenTimelineIO is missing.
    """
    otio = needed("opentimelineio")
    needed("otio_cmx3600_adapter")
    rate = config.rate
    # OpenTimelineIO takes 29.97 for drop frame; without it, timecodes are those of the nominal rate.
    counted = float(rate.fps) if rate.drop_frame else float(rate.nominal)
    track = otio.schema.Track("V", kind=otio.schema.TrackKind.Video)
    colors = _colors(part)
    if config.markers:
        _fill_with_markers(otio, track, part, config, counted, colors)
    else:
        record = 0
        for cut in _cuts(part, config):
            clip = _clip(otio, part, cut.start, cut.stop, counted, f"COMMENT: {spot_text(cut.spot)}")
            at = record + cut.frame - cut.start
            clip.markers.append(_marker(otio, cut.spot, _range(otio, at, at, counted), colors))
            track.append(clip)
            record += cut.stop - cut.start
    timeline = otio.schema.Timeline()
    timeline.tracks.append(track)
    events = otio.adapters.write_to_string(timeline, "cmx_3600", rate=counted) if len(track) else ""
    title = one_line(part.video.name)[:_TITLE_LETTERS]
    mode = "DROP FRAME" if rate.drop_frame else "NON-DROP FRAME"
    # The adapter makes a comment of every line; Resolve's begins with a space.
    events = events.replace("\n* |C:", "\n |C:")
    return f"TITLE: {title} ({rate.name} fps)\nFCM: {mode}\n\n{events}"


def otio_text(part: VideoResult, config: EditConfig) -> str:
    """Return an OpenTimelineIO timeline (JSON) over the video.

    Raises:
        ConfigError: OpenTimelineIO is missing.
    """
    otio = needed("opentimelineio")
    fps = float(config.rate.fps)
    timeline = otio.schema.Timeline(one_line(part.video.name))
    timeline.metadata["bvas"] = {"rate": config.rate.text}
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    cuts, colors = _cuts(part, config), _colors(part)
    start, stop = _extent(part, config)

    def media() -> Any:
        if part.video.path is None:
            return otio.schema.MissingReference(name=one_line(part.video.name))
        url = part.video.path.absolute().as_uri()
        return otio.schema.ExternalReference(url, _range(otio, start, stop, fps))

    def marker(cut: _Cut) -> Any:
        end = cut.stop if cut.is_interval else cut.frame + 1
        found = _marker(otio, cut.spot, _range(otio, cut.frame, end, fps), colors)
        found.metadata["bvas"] = {
            "label": cut.spot.label,
            "confidence": cut.spot.confidence,
            "seconds": cut.spot.seconds,
        }
        return found

    if config.markers and stop > start:
        whole = otio.schema.Clip(one_line(part.video.name), media(), _range(otio, start, stop, fps))
        whole.markers.extend(marker(cut) for cut in cuts)
        track.append(whole)
    elif not config.markers:
        for cut in cuts:
            clip = otio.schema.Clip(one_line(cut.spot.label), media(), _range(otio, cut.start, cut.stop, fps))
            clip.markers.append(marker(cut))
            track.append(clip)
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def _cuts(part: VideoResult, config: EditConfig) -> list[_Cut]:
    rate = config.rate
    first, last = _extent(part, config)
    cuts = []
    for spot in part.spots:
        frame = first + rate.frame_at(spot.seconds)
        stop = max(frame + rate.frame_at(config.lag_seconds), frame + 1)
        if part.video.frames is not None:
            frame, stop = min(frame, last - 1), min(stop, last)
        cuts.append(_Cut(spot, frame, max(first, frame - rate.frame_at(config.lead_seconds)), stop))
    for one in part.intervals:
        start, stop = (first + rate.frame_at(seconds) for seconds in (one.start_seconds, one.end_seconds))
        if part.video.frames is not None:
            start, stop = min(start, last - 1), min(stop, last)
        spot = Spot(one.label, one.start_seconds, one.confidence)
        cuts.append(_Cut(spot, start, start, max(stop, start + 1), is_interval=True))
    return cuts


def _extent(part: VideoResult, config: EditConfig) -> tuple[int, int]:
    """Return the first frame of the video and the one behind its last; without a video, behind the last clip."""
    rate, first = config.rate, config.first_frame
    if part.video.frames is not None:
        return first, first + max(rate.frame_at(part.video.frames.duration_seconds), 1)
    if part.intervals:
        return first, first + max(rate.frame_at(max(one.end_seconds for one in part.intervals)), 1)
    if not part.spots:
        return first, first
    return first, first + rate.frame_at(part.spots[-1].seconds) + max(rate.frame_at(config.lag_seconds), 1)


def _colors(part: VideoResult) -> dict[str, int]:
    labels = sorted({spot.label for spot in part.spots} | {one.label for one in part.intervals})
    return {label: number % len(_MARKER_COLORS) for number, label in enumerate(labels)}


def _range(otio: Any, start: int, stop: int, fps: float) -> Any:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, fps), otio.opentime.RationalTime(stop - start, fps)
    )


def _marker(otio: Any, spot: Spot, place: Any, colors: dict[str, int]) -> Any:
    return otio.schema.Marker(spot_text(spot), place, _MARKER_COLORS[colors[spot.label]])


def _clip(otio: Any, part: VideoResult, start: int, stop: int, fps: float, comment: str) -> Any:
    clip = otio.schema.Clip(
        name=one_line(part.video.name if part.video.path is None else part.video.path.name),
        source_range=_range(otio, start, stop, fps),
    )
    clip.metadata["cmx_3600"] = {"reel": _reel(part), "comments": [comment]}
    return clip


def _fill_with_markers(
    otio: Any, track: Any, part: VideoResult, config: EditConfig, fps: float, colors: dict[str, int]
) -> None:
    """Put an event of one frame at each spot's time; spots of one frame share it."""
    first, _ = _extent(part, config)
    end = first
    moments = _cuts(part, replace(config, lead_seconds=0.0, lag_seconds=0.0))
    for frame, group in groupby(moments, key=lambda cut: cut.frame):
        cuts = list(group)
        if frame > end or not len(track):
            # The list's own timecodes are those of the video.
            track.append(
                otio.schema.Gap(source_range=_range(otio, 0, frame - (end if len(track) else 0), fps))
            )
        text = ", ".join(spot_text(cut.spot) for cut in cuts).replace("|", "/")
        color = _RESOLVE_COLORS[colors[cuts[0].spot.label]]
        comment = f"|C:ResolveColor{color} |M:{text} |D:1"
        track.append(_clip(otio, part, frame, frame + 1, fps, comment))
        end = frame + 1


def _reel(part: VideoResult) -> str:
    """Return a name of at most eight letters and digits, all that the format has room for."""
    stem = part.video.name if part.video.path is None else part.video.path.stem
    return re.sub(r"[^A-Za-z0-9_]", "", stem)[:_REEL_LETTERS].upper() or "AX"
