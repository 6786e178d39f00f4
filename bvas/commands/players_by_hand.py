"""Players chosen and corrected by hand: the page of `bvas players`, and what it has saved."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from bvas.commands.console import progress_bar
from bvas.commands.players_output import write_results
from bvas.errors import DataError
from bvas.system.file_names import shown_name
from bvas.values.plural import count_text
from bvas.video.container.read_options import Source

logger = logging.getLogger(__name__)


def write_page(args: argparse.Namespace, source: Source, out: Path) -> None:
    """Write the page: to draw boxes, and to correct the results that are there.

    Raises:
        DataError: the folder holds results of another video.
    """
    from bvas.commands.report import preview_config
    from bvas.players.corrections import read_corrections
    from bvas.players.player_files import check_same_video, read_players
    from bvas.report.players_page import write_players_page
    from bvas.results.store import CORRECTIONS_NAME, PLAYERS_NAME, PLAYERS_PAGE_NAME, UNCORRECTED_NAME
    from bvas.system.locks import locked
    from bvas.video.index.video_index import build_index

    config = preview_config(args)
    # Of what is not a video no folder is made.
    build_index(source.path)
    with locked(out):
        check_same_video(out, source)
        base, applied = _base(out), out / UNCORRECTED_NAME / CORRECTIONS_NAME
        page = write_players_page(
            out / PLAYERS_PAGE_NAME,
            read_players(base) if (base / PLAYERS_NAME).exists() else None,
            source.path,
            link=args.link,
            config=config,
            progress=lambda name: progress_bar(name, "frame", quiet=args.quiet),
            corrections=read_corrections(applied) if applied.exists() else None,
        )
    print(f"page      {page}")


def correct(args: argparse.Namespace, source: Source, out: Path) -> None:
    """Apply corrections to the players as they were found, and write the results again.

    Raises:
        DataError: there are no results, they are of another video, or the corrections do not fit them.
    """
    from bvas.players.corrections import apply_corrections, read_corrections
    from bvas.players.player_files import check_same_video, read_players, read_record, write_players
    from bvas.results.store import CORRECTIONS_NAME, PLAYERS_NAME, UNCORRECTED_NAME
    from bvas.system.atomic_files import write_text
    from bvas.system.locks import locked
    from bvas.system.text_files import read_text

    corrections = read_corrections(args.corrections)
    if not (out / PLAYERS_NAME).exists():
        raise DataError(f"{out} holds no players to correct; find them first: bvas players {source.name}")
    with locked(out):
        check_same_video(out, source)
        base = _base(out)
        # The file may have been moved or renamed since.
        found = replace(read_players(base), path=source.path)
        record = read_record(base)
        result = apply_corrections(found, corrections)
        if base == out:
            write_players(out / UNCORRECTED_NAME, found, record)
        logger.info(
            "%s: %s applied", shown_name(source.path.name), count_text(len(corrections.edits), "correction")
        )
        # The next page begins with them.
        write_text(out / UNCORRECTED_NAME / CORRECTIONS_NAME, read_text(args.corrections))
        write_results(args, out, result, record)


def _base(out: Path) -> Path:
    """Return the folder of the players as they were found, before corrections."""
    from bvas.results.store import PLAYER_TABLE_NAME, UNCORRECTED_NAME

    kept = out / UNCORRECTED_NAME
    # The table is written last.
    return kept if (kept / PLAYER_TABLE_NAME).exists() else out
