"""Listing of the classes of a published network, all or the sports among them."""

from bvas.models.video.published import published_model
from bvas.models.video.sports import sports_classes


def list_classes(name: str, *, by_sport: bool) -> None:
    """Print the classes of a published network with their numbers.

    Args:
        name: One of `VIDEO_MODELS`.
        by_sport: Only those that are a sport, under the name of the sport.

    Raises:
        ConfigError: the name is unknown.
    """
    classes = published_model(name).classes
    if not by_sport:
        for number, label in enumerate(classes):
            print(f"{number:3}  {label}")
        return
    for sport, labels in sports_classes().items():
        print(sport)
        for label in labels:
            print(f"{classes.index(label):5}  {label}")
