"""Greedy forward selection with replacement (Caruana et al., 2004): the weights of the members.

It begins with the best member and adds in each round the one that raises the score of the mean most, the same ones
again if need be. The best of all rounds is taken, the earliest of equal ones. A selection is chosen to score well
on the matches it is chosen on; its honest score is nested: each fold by the members that the other folds select.
"""

from dataclasses import dataclass

import numpy as np

from bvas.evaluation.ensembling.weighting_scores import EnsembleScores, Weights
from bvas.metrics.tally import Tally
from bvas.values.arrays import Bools, Ints
from bvas.values.progress import Progress

NUM_ROUNDS = 12
_EQUAL = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The members that were chosen."""

    weights: Weights
    """Chosen on all matches; these hold for matches without labels, e.g. the challenge."""
    by_part: dict[int, Weights]
    """Chosen on the matches of all other parts (folds); these make the out-of-fold mean of a part."""
    nested: Tally
    """Counts by them, a group a match."""


def select(scores: EnsembleScores, matches: Bools) -> Weights:
    """Return the weights that greedy selection finds on some matches [G]."""
    num_members = scores.num_members
    weights = (0,) * num_members
    best, best_score = weights, -1.0
    for _ in range(NUM_ROUNDS):
        candidates = [_with_one_more(weights, member) for member in range(num_members)]
        found = [scores.score(candidate, matches) for candidate in candidates]
        # Of equal ones the member that was named first.
        weights = candidates[int(np.argmax(np.array(found) >= max(found) - _EQUAL))]
        if max(found) > best_score + _EQUAL:
            best, best_score = weights, max(found)
    return best


def select_nested(scores: EnsembleScores, parts: Ints, *, progress: Progress | None = None) -> Selection:
    """Return the selection, and its counts where each part is held out of its own choice.

    Args:
        scores: Of the members.
        parts: [G], part (fold) of each match; at least two of them.
        progress: Called with (selections done, selections in all).
    """
    names = sorted(set(parts.tolist()))
    by_part: dict[int, Weights] = {}
    for number, part in enumerate(names):
        by_part[part] = select(scores, parts != part)
        if progress is not None:
            progress(number + 1, len(names) + 1)
    weights = select(scores, np.ones(len(parts), np.bool_))
    if progress is not None:
        progress(len(names) + 1, len(names) + 1)
    tallies = {part: scores.tally(chosen) for part, chosen in by_part.items()}
    return Selection(weights=weights, by_part=by_part, nested=_joined(tallies, parts))


def _with_one_more(weights: Weights, member: int) -> Weights:
    return tuple(weight + (number == member) for number, weight in enumerate(weights))


def _joined(tallies: dict[int, Tally], parts: Ints) -> Tally:
    """Return the counts of each match from the tally of its part."""
    taken = [(tallies[part], number) for number, part in enumerate(parts.tolist())]
    return Tally(
        hits=np.stack([counts.hits[number] for counts, number in taken]),
        spots=np.stack([counts.spots[number] for counts, number in taken]),
        annotations=np.stack([counts.annotations[number] for counts, number in taken]),
    )
