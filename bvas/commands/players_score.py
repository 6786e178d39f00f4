"""Score tracks of players against true tracks.

Prints HOTA, IDF1, MOTA and their parts for each sequence and for all together. Files are MOT text: frame from 1,
identity, x, y, width, height, confidence. With --actions, also the F1 of the actions of players.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bvas.metrics.track_labels import LabelScores
    from bvas.players.scored_players import ScoredPlayers


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas players score`."""
    parser.add_argument(
        "--tracks",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="tracks of each sequence: a MOT file, or a results folder of bvas players",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="true tracks of each sequence in the same order, as MOT files; rows with confidence 0 are ignored",
    )
    parser.add_argument(
        "--actions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="true actions of each sequence in the same order: tables of player, from_frame, to_frame (excluded) and "
        "label; needs results folders",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")


def run(args: argparse.Namespace) -> None:
    """Score, write the figures, and print a table."""
    from bvas.players.scored_players import combined_players, score_players
    from bvas.system.atomic_files import check_writable, write_json

    if args.json:
        check_writable(args.json.parent, args.json.name)
    sequences = score_players(args.tracks, args.truth, args.actions)
    combined = combined_players(sequences)
    if args.json:
        held = [
            {**scored.to_json(), "tracks": str(tracks), "truth": str(truth)}
            for scored, tracks, truth in zip(sequences, args.tracks, args.truth, strict=True)
        ]
        write_json(args.json, {"sequences": held, "combined": combined.to_json()})
    shown = [*sequences, combined] if len(sequences) > 1 else sequences
    print(
        *track_lines(shown), *([] if combined.actions is None else action_lines(combined.actions)), sep="\n"
    )


def track_lines(sequences: "Sequence[ScoredPlayers]") -> list[str]:
    """Return the table of sequences."""
    from bvas.system.file_names import shown_name

    names = [shown_name(scored.name) for scored in sequences]
    width = max(len("sequence"), *map(len, names)) + 2
    has_actions = any(scored.actions is not None for scored in sequences)
    lines = [
        f"{'sequence':<{width}}{'HOTA':>7}{'DetA':>7}{'AssA':>7}{'IDF1':>7}{'MOTA':>8}{'switches':>10}{'FP':>8}{'FN':>8}"
        + (f"{'action F1':>11}" if has_actions else "")
    ]
    for name, scored in zip(names, sequences, strict=True):
        tracks = scored.tracks
        line = (
            f"{name:<{width}}{tracks.hota:>7.3f}{tracks.detection:>7.3f}{tracks.association:>7.3f}"
            f"{tracks.idf1:>7.3f}{tracks.mota:>8.3f}{tracks.clear.switches:>10}{tracks.clear.false_alarms:>8}"
            f"{tracks.clear.misses:>8}"
        )
        if scored.actions is not None:
            f1 = scored.actions.macro_f1
            line += f"{'-' if f1 is None else f'{f1:.3f}':>11}"
        lines.append(line)
    return lines


def action_lines(scores: "LabelScores") -> list[str]:
    """Return the table of actions, and what was not scored."""
    from bvas.values.plural import count_text

    width = max(len("action"), *map(len, scores.labels), 0) + 2
    lines = [
        "",
        f"{'action':<{width}}{'precision':>10}{'recall':>8}{'F1':>7}{'boxes':>9}",
        *(
            f"{label:<{width}}{one.precision:>10.3f}{one.recall:>8.3f}{one.f1:>7.3f}{one.support:>9}"
            for label, one in scores.rates.items()
        ),
    ]
    shown = "-" if scores.macro_f1 is None else f"{scores.macro_f1:.4f}"
    return [
        *lines,
        f"macro F1 {shown} over {count_text(scores.num_pairs, 'pair')} of true and tracked boxes; without a true label "
        f"{scores.without_truth}, without a label found {scores.without_label}; true boxes with a label that no track "
        f"lies on {scores.missed}",
    ]
