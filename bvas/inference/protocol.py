"""What videos are looked at with: trained models, whichever program runs them."""

from typing import Protocol

from bvas.experiment.experiment import Experiment
from bvas.inference.predictor_protocol import RowPredictor


class VideoSpotter(Protocol):
    """What `spot_video` and `LiveSpots` look at videos with: a `Spotter`, or an `OnnxSpotter`."""

    @property
    def experiment(self) -> Experiment:
        """Labels, clip, input, peaks."""
        ...

    @property
    def device(self) -> object:
        """Where frames are decoded to, as `str` gives it: `cpu`, `cuda`, `cuda:1`."""
        ...

    def predictor(self, *, compiled: bool = False) -> RowPredictor:
        """Return a predictor, for one video after the other; `compiled` where hours of video on CUDA follow."""
        ...
