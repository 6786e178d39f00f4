"""Fonts that have the characters of a label: DejaVu Sans, which comes with matplotlib, then those of the system.

What no font has is spelled out, and a line in the log says once which font to install.
"""

import logging
import unicodedata
from functools import lru_cache
from pathlib import Path

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font

from bvas.system.notices import is_first

logger = logging.getLogger(__name__)

# Substrings of font files, the better ones first.
_PREFERRED = ("notosans", "regular")
_AVOIDED_STYLES = ("bold", "italic", "oblique", "condensed", "light", "thin", "black")
_AVOIDED = (*_AVOIDED_STYLES, "mono", "serif", "color", "last")
# Names of Unicode's characters begin with the script.
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL")


def drawable_text(text: str) -> str:
    """Return a text on one line, of characters that some font has; others are spelled out.

    >>> drawable_text("Höhe\\tÇa")
    'Höhe Ça'
    """
    line = "".join(letter for letter in " ".join(text.split()) if not _is_invisible(letter))
    missing = [letter for letter in line if font_of(letter) is None]
    if not missing:
        return line
    packages = set(map(_package, missing))
    if [package for package in sorted(packages) if is_first("font", package)]:
        logger.warning(
            "no font on this machine has the characters %s: %r is drawn as %r; install a font that has them, e.g. "
            "Debian's %s, or put one into ~/.fonts",
            *("".join(dict.fromkeys(missing)), line, spelled(line), " and ".join(sorted(packages))),
        )
    return spelled(line)


def spelled(text: str) -> str:
    """Return a text whose characters without a font are spelled out."""
    return "".join(letter if font_of(letter) is not None else _spelled_letter(letter) for letter in text)


def font_runs(text: str, *, bold: bool = False) -> list[tuple[str, Path]]:
    """Return the stretches of a drawable text that one font can draw, each with the font's file."""
    runs: list[tuple[str, Path]] = []
    for letter in text:
        path = font_of(letter, bold=bold) or _own_font(bold)
        # Marks are drawn with what they stand on, where its font has them.
        if runs and (
            runs[-1][1] == path or (unicodedata.combining(letter) and ord(letter) in _codes(runs[-1][1]))
        ):
            runs[-1] = runs[-1][0] + letter, runs[-1][1]
        else:
            runs.append((letter, path))
    return runs


def font_families(*texts: str) -> list[str]:
    """Return the names by which matplotlib finds the fonts of some drawable texts, DejaVu Sans first."""
    paths = dict.fromkeys(path for text in texts for _, path in font_runs(text))
    return list(dict.fromkeys(["DejaVu Sans", *map(_family, paths)]))


@lru_cache(maxsize=1024)
def _family(path: Path) -> str:
    font_manager.fontManager.addfont(str(path))
    return str(FT2Font(str(path)).family_name)


@lru_cache(maxsize=4096)
def font_of(letter: str, *, bold: bool = False) -> Path | None:
    """Return the file of a font that has a character; None for none on this machine."""
    own = _own_font(bold)
    if letter == " " or ord(letter) in _codes(own):
        return own
    return next((path for path in _system_fonts() if ord(letter) in _codes(path)), None)


def _own_font(bold: bool) -> Path:
    return Path(get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    """Return the files of the system's fonts, the most fitting first."""

    def preference(path: Path) -> tuple[int, str]:
        name = path.name.lower().replace("-", "").replace("_", "")
        good = sum(word in name for word in _PREFERRED)
        bad = sum(word in name for word in _AVOIDED)
        return bad - good, name

    return tuple(sorted(map(Path, font_manager.findSystemFonts()), key=preference))


@lru_cache(maxsize=1024)
def _codes(path: Path) -> frozenset[int]:
    """Return the characters of a font; empty for a font that cannot be scaled."""
    try:
        font = FT2Font(str(path))
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (RuntimeError, OSError):  # what FreeType does not read
        return frozenset()


def _is_invisible(letter: str) -> bool:
    # Joiners and selectors change how others look; without a font that has them nothing changes.
    is_selector = 0xFE00 <= ord(letter) <= 0xFE0F
    return (unicodedata.category(letter)[0] == "C" or is_selector) and font_of(letter) is None


def _spelled_letter(letter: str) -> str:
    """Return what stands for a character that no font has."""
    plain = unicodedata.normalize("NFKD", letter)
    if plain != letter and all(font_of(part) is not None for part in plain):
        return plain
    name = unicodedata.name(letter, "")
    if name.endswith("PROLONGED SOUND MARK"):
        return "-"
    for word in (" LETTER ", " SYLLABLE "):
        if word in name:
            return name.rpartition(word)[2].rpartition(" ")[2].lower()
    if unicodedata.category(letter) == "So" and name:
        return f"[{name.lower()}]"
    return f"[U+{ord(letter):04X}]"


def _package(letter: str) -> str:
    if unicodedata.category(letter) in ("So", "Sk", "Sm"):
        return "fonts-symbola"
    script = unicodedata.name(letter, "").partition(" ")[0]
    return "fonts-noto-cjk" if script in _EAST_ASIAN else "fonts-noto-core"
