"""Results of `bvas players`: files, annotated video, and the lines that it prints."""

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.commands.console import progress_bar
from bvas.system.file_names import shown_name
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.players.players_json import PlayersRecord
    from bvas.players.players_result import PlayerAction, PlayersResult

logger = logging.getLogger(__name__)

_MOST_LABELS = 3


def write_results(
    args: argparse.Namespace, out: Path, result: "PlayersResult", record: "PlayersRecord"
) -> None:
    """Write the files of a result, draw the video unless --no-video is given, and print a line for each player.

    Raises:
        DataError: a file cannot be written.
    """
    from bvas.players.player_files import write_players
    from bvas.results.store import PLAYERS_VIDEO_NAME

    video = out / PLAYERS_VIDEO_NAME
    # One of earlier results would contradict the table, also where drawing is interrupted.
    video.unlink(missing_ok=True)
    write_players(out, result, record)
    if not args.no_video:
        _draw(video, result, record, quiet=args.quiet)
    for player in result.players:
        first, last = player.track.seconds[[0, -1]].tolist()
        print(
            f"{player.caption:>12}  {first:8.2f} s to {last:8.2f} s  {_most_frequent(player.actions)}".rstrip()
        )
    print(f"results in {out}")


def _draw(path: Path, result: "PlayersResult", record: "PlayersRecord", *, quiet: bool) -> None:
    from bvas.report.players_overlay import write_players_overlay

    with progress_bar("draw", "frame", quiet=quiet) as bar:
        made = write_players_overlay(path, result, reading=record.reading, progress=bar)
    if made.lost:
        lost = count_text(sum(map(len, made.lost)), "frame")
        logger.warning(
            "%s: %s not decoded; the one before stays on screen", shown_name(result.path.name), lost
        )


def _most_frequent(actions: "Sequence[PlayerAction]") -> str:
    counts = Counter(action.label for action in actions)
    return ", ".join(f"{label} {count}" for label, count in counts.most_common(_MOST_LABELS))
