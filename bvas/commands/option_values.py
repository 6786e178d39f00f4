"""Parsers of option values: times, rates, sizes, ranges, worker counts."""

import argparse
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from bvas.errors import ConfigError

if TYPE_CHECKING:
    from bvas.players.rois import Roi


def parse_workers(text: str) -> dict[str, int] | Literal["auto"]:
    """Return the loader's worker mix for `auto`, `0`, `2` or `nvdec=3,opencv=1`.

    Raises:
        ConfigError: the text has another form.
    """
    from bvas.video.decode.backends import BACKENDS

    if text == "auto":
        return "auto"
    if text.isdecimal():
        return {"pyav": int(text)} if int(text) else {}
    mix: dict[str, int] = {}
    for part in text.split(","):
        backend, _, count = part.partition("=")
        if backend not in BACKENDS or not count.isdecimal():
            raise ConfigError(f"workers must be auto, a number, or like nvdec=3,opencv=1; got {text!r}")
        mix[backend] = int(count)
    return mix


def parse_time(text: str) -> float:
    """Return the seconds of `90`, `1:30` or `1:02:03.5`; for argparse."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or not all(0 <= value < math.inf for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write seconds, mm:ss or hh:mm:ss")
    seconds = 0.0
    for value in values:
        seconds = seconds * 60 + value
    return seconds


def parse_roi(text: str) -> "Roi":
    """Return the drawn box of `310,120,64,150` or, at a time, `310,120,64,150@1:30.5`; for argparse."""
    from bvas.players.rois import BOX_RULE, Roi, is_box

    box, at, time = text.partition("@")
    try:
        sides = tuple(float(side) for side in box.split(","))
    except ValueError:
        sides = ()
    if not is_box(sides):
        raise argparse.ArgumentTypeError(f"{text!r} is not a box; write X,Y,W,H or X,Y,W,H@TIME: {BOX_RULE}")
    x, y, width, height = sides
    return Roi(box=(x, y, width, height), seconds=parse_time(time) if at else 0.0)


def parse_rate(text: str) -> Fraction:
    """Return frames per second of `25`, `29.97` or `30000/1001`; for argparse."""
    from bvas.video.container.frame_rate import as_rate

    try:
        return as_rate(Fraction(text) if "/" in text else float(text))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a rate; write frames per second, such as 25, 29.97 or 30000/1001"
        ) from None


def parse_ranges(text: str) -> list[tuple[str, int, int]]:
    """Return label, first and last frame of each range of `405-577,SHOT:768-999,1200-1300`; a label holds on.

    Ranges before the first label have an empty one.

    Raises:
        ConfigError: a range has another form.
    """
    found, label = [], ""
    for part in text.split(","):
        name, _, frames = part.rpartition(":")
        label = name.strip() or label
        ends = frames.split("-")
        if len(ends) != 2 or not all(end.strip().isdecimal() for end in ends):
            raise ConfigError(
                f"{part.strip()!r} is not a range of frames; write the first and the last one, such as 405-577"
            )
        found.append((label, int(ends[0]), int(ends[1])))
    return found


def parse_size(text: str) -> tuple[int, int]:
    """Return (H, W) of a text like 224x400; for argparse."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write HxW, e.g. 224x400")
    return int(parts[0]), int(parts[1])


def parse_shares(text: str) -> tuple[float, ...]:
    """Return the shares of train, valid and, unless it is absent, test, of a text like 70,20,10; for argparse."""
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) not in (2, 3) or not all(0 < share < math.inf for share in shares):
        raise argparse.ArgumentTypeError(
            f"{text!r} are not shares; write those of train, valid and test, such as 70,20,10, or of train and valid"
        )
    return shares


def parse_speed(text: str) -> Fraction:
    """Return a speed of `0.5` or `1/2`; for argparse."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a speed; write 0.5 or 1/2 for half of it"
        ) from None
