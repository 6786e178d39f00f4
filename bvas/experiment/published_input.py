"""Input of a published video model as an `InputConfig`."""

from bvas.experiment.input_config import InputConfig
from bvas.models.video.published import PublishedModel


def published_input(published: PublishedModel, *, random_crop: bool = False) -> InputConfig:
    """Return the size, geometry, rate and normalization that a model was published with.

    Args:
        published: The model.
        random_crop: Cut frames out at random in training; else in the center.
    """
    form, pixels = published.form, published.pixels
    return InputConfig(
        size=form.size,
        rate=published.rate,
        channels=form.channels,
        fit=form.fit,
        resize=form.resize,
        random_crop=random_crop,
        resample=form.resample,
        mean=pixels.mean,
        std=pixels.std,
    )
