"""Spots as text, in the formats of other programs."""

from bvas.values.annotations import Spot


def one_line(text: str) -> str:
    """Return a label as a line of text: other white space becomes a space, what cannot be printed goes.

    >>> one_line(" HIGH\\n PASS\\x07")
    'HIGH PASS'
    """
    spaced = " ".join(text.split())
    return "".join(letter for letter in spaced if letter == " " or letter.isprintable())


def spot_text(spot: Spot) -> str:
    """Return what people read of a spot.

    >>> spot_text(Spot("PASS", 1.0, 0.914))
    'PASS 0.91'
    """
    return f"{one_line(spot.label)} {spot.confidence:.2f}"
