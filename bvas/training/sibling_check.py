"""Check for siblings across folds or splits before training."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bvas.data.siblings.samples import Sample
from bvas.data.siblings.search import find_siblings
from bvas.errors import DataError
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_MOST_COMPARED = 40
_MOST_NAMED = 3


def check_siblings(samples: Sequence[Sample], data: Path, *, allow: bool) -> dict[str, str]:
    """Refuse siblings, or return what a run should record about them.

    The result of `bvas data check` is taken where there is one for the same files. Else same content is looked for, and
    near copies only among few samples.

    Args:
        samples: Those of the data root.
        data: The data root, for messages.
        allow: Train all the same.

    Raises:
        DataError: samples on different sides are one; the message names the first pairs.
    """
    found = find_siblings(samples, most_compared=_MOST_COMPARED)
    if not found.is_complete:
        logger.warning(
            "near copies across folds were not looked for (many videos of one length): run 'bvas data check %s' once: "
            "training takes its result",
            data,
        )
    if not found.pairs:
        return {}
    named = "; ".join(str(pair) for pair in found.pairs[:_MOST_NAMED])
    more = len(found.pairs) - _MOST_NAMED
    text = f"{count_text(len(found.pairs), 'pair')} of samples in different folds or splits are one: {named}"
    text += f"; and {more} more" if more > 0 else ""
    if not allow:
        raise DataError(
            f"{text}. Scores would be of samples that were trained on: give them one 'group' or fold, remove the "
            "copies, or train all the same with --allow-siblings"
        )
    logger.warning("%s; allowed by --allow-siblings", text)
    return {"siblings": str(len(found.pairs)), "first_siblings": named}
