"""Examples of an error page: the surest right and wrong predictions of each class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bvas.results.sample_predictions import SamplePredictions

NUM_EXAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A predicted sample."""

    name: str
    group: str
    truth: int
    """True class."""
    predicted: int
    """Most probable class."""
    confidence: float
    """Probability of the predicted class."""
    true_confidence: float
    """Probability of the true class."""

    @property
    def is_right(self) -> bool:
        """Whether the predicted class is the true one."""
        return self.truth == self.predicted


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassExamples:
    """Examples of the samples of a class, the surest first."""

    label: str
    num_right: int
    num_wrong: int
    right: tuple[Example, ...]
    wrong: tuple[Example, ...]

    @property
    def shown(self) -> tuple[Example, ...]:
        """The right ones, then the wrong ones."""
        return self.right + self.wrong


def class_examples(predictions: SamplePredictions, most: int = NUM_EXAMPLES) -> list[ClassExamples]:
    """Return examples of each class.

    Wrong ones are shared among the classes that they were taken for in proportion to their counts (Sainte-Lague), and
    are the surest of each.

    Args:
        predictions: The samples.
        most: Right ones, and wrong ones, of a class.
    """
    examples: list[list[Example]] = [[] for _ in predictions.labels]
    predicted = predictions.predicted.tolist()
    for place, (truth, taken_for) in enumerate(zip(predictions.truth.tolist(), predicted, strict=True)):
        row = predictions.scores[place]
        examples[truth].append(
            Example(
                name=predictions.names[place],
                group=predictions.groups[place],
                truth=truth,
                predicted=taken_for,
                confidence=float(row[taken_for]),
                true_confidence=float(row[truth]),
            )
        )
    found = []
    for label, of_class in zip(predictions.labels, examples, strict=True):
        of_class.sort(key=lambda one: (-one.confidence, one.name))
        right = [one for one in of_class if one.is_right]
        wrong = [one for one in of_class if not one.is_right]
        found.append(
            ClassExamples(
                label=label,
                num_right=len(right),
                num_wrong=len(wrong),
                right=tuple(right[:most]),
                wrong=tuple(_shared(wrong, most)),
            )
        )
    return found


def _shared(wrong: Sequence[Example], most: int) -> list[Example]:
    counts = Counter(one.predicted for one in wrong)
    given: Counter[int] = Counter()
    for _ in range(min(most, len(wrong))):
        given[max(counts, key=lambda label: (counts[label] / (2 * given[label] + 1), -label))] += 1
    chosen = []
    for one in wrong:
        if given[one.predicted]:
            given[one.predicted] -= 1
            chosen.append(one)
    return chosen
