"""Sportscode XML: an instance (a stretch of video) around each spot, a row for each label."""

from xml.etree import ElementTree

from bvas.report import palette
from bvas.report.formats.exported_spots import one_line
from bvas.results.video_result import VideoResult

# The XML counts colors to 65535.
_COLOR_STEP = 257
_ROW_COLORS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442", "#333333")


def sportscode_text(part: VideoResult, lead_seconds: float, lag_seconds: float) -> str:
    """Return a part's spots as Sportscode XML: times in seconds from the first shown frame.

    Args:
        part: The spots.
        lead_seconds: How long before its spot an instance begins, unless the video begins later.
        lag_seconds: How long behind it one ends, unless the video ends before.
    """
    end = None if part.video.frames is None else part.video.frames.duration_seconds
    root = ElementTree.Element("file")
    instances = ElementTree.SubElement(root, "ALL_INSTANCES")
    for number, spot in enumerate(part.spots, 1):
        instance = ElementTree.SubElement(instances, "instance")
        start = max(0.0, spot.seconds - lead_seconds)
        stop = spot.seconds + lag_seconds
        if end is not None:
            stop = max(min(stop, end), spot.seconds)
        _add(instance, "ID", str(number))
        _add(instance, "start", f"{start:.3f}")
        _add(instance, "end", f"{stop:.3f}")
        _add(instance, "code", one_line(spot.label))
        for group, text in (
            ("Confidence", f"{spot.confidence:.2f}"),
            ("Clock", part.clock.text(spot.seconds)),
            ("Seconds", f"{spot.seconds:.3f}"),
        ):
            label = ElementTree.SubElement(instance, "label")
            _add(label, "group", group)
            _add(label, "text", text)
    rows = ElementTree.SubElement(root, "ROWS")
    for number, code in enumerate(dict.fromkeys(one_line(spot.label) for spot in part.spots)):
        row = ElementTree.SubElement(rows, "row")
        _add(row, "code", code)
        color = palette.rgb(_ROW_COLORS[number % len(_ROW_COLORS)])
        for name, value in zip("RGB", color, strict=True):
            _add(row, name, str(value * _COLOR_STEP))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
