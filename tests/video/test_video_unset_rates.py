"""A rate that a stream does not state is None in PyAV 18 and zero in PyAV 19; both mean that it is unknown."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from bvas.video.container.stream_choice import _is_thumbnail
from bvas.video.container.time_repair import usual_rates
from bvas.video.index.stream_facts import sample_aspect_of

UNSET = [None, Fraction(0)]


def motion_jpeg(rate, *, index=1):
    return SimpleNamespace(
        index=index,
        frames=300,
        metadata={},
        average_rate=rate,
        disposition=0,
        codec_context=SimpleNamespace(codec=SimpleNamespace(canonical_name="mjpeg")),
    )


@pytest.mark.parametrize("rate", UNSET)
def test_motion_jpeg_of_unknown_rate_is_not_a_thumbnail(rate):
    container = SimpleNamespace(streams=SimpleNamespace(video=[motion_jpeg(Fraction(25), index=0)]))
    assert not _is_thumbnail(container, motion_jpeg(rate))
    assert _is_thumbnail(container, motion_jpeg(Fraction(1, 10)))


@pytest.mark.parametrize("rate", UNSET)
def test_an_unknown_rate_is_not_a_claim(rate):
    assert usual_rates((rate, Fraction(25), rate)) == (Fraction(25),)


@pytest.mark.parametrize("aspect", UNSET)
def test_samples_of_unknown_aspect_are_square(aspect):
    assert sample_aspect_of(SimpleNamespace(sample_aspect_ratio=aspect)) == 1
