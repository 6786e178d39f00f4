"""Color planes of every undamaged sample are those that libavcodec decodes."""

import av
import numpy as np
import pytest
from catalog import SAMPLES

from bvas import DecodeError, open_video
from bvas.values.color import split_planes
from bvas.video.index.stored_picture import samples_of

BACKENDS = {"pyav": [], "nvdec": [pytest.mark.gpu]}
CASES = [
    pytest.param(sample, backend, marks=marks, id=f"{sample.name}-{backend}")
    for sample in SAMPLES
    for backend, marks in BACKENDS.items()
    if backend not in sample.refused
]


def decoded_planes(path):
    """Chroma of each frame that libavcodec decodes, as bytes, by the luma's bytes; None for other formats."""
    found = {}
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.format.name not in ("yuv420p", "yuvj420p"):
                return None
            luma, *chroma = (samples_of(plane).tobytes() for plane in frame.planes)
            found.setdefault(luma, set()).add(tuple(chroma))
    return found


@pytest.mark.parametrize(("sample", "backend"), CASES)
def test_planes_are_byte_for_byte_those_of_libavcodec(files, sample, backend):
    path = files.of(sample)
    wanted = decoded_planes(path)
    if wanted is None:
        pytest.skip("not stored as 8-bit 4:2:0")
    try:
        reader = open_video(path, backend, device="cuda" if backend == "nvdec" else "cpu", channels="planes")
    except DecodeError as error:
        if sample.may_refuse.get(backend, "-") not in str(error):
            raise
        pytest.skip(f"{backend} refuses {sample.name} here")
    with reader, open_video(path, "pyav") as gray:
        if reader.info.rotation or reader.info.mirrored:
            pytest.skip("planes are turned upright")
        order = [*range(0, len(sample.shown), 7), 3, len(sample.shown) - 1, 0]
        planes, luma_alone = reader.read(order).cpu().numpy(), gray.read(order).numpy()
    colors = set()
    for frame, same_luma in zip(planes, luma_alone, strict=True):
        luma, (blue, red) = split_planes(frame, reader.size)
        assert np.array_equal(luma, same_luma)
        assert (blue.tobytes(), red.tobytes()) in wanted[luma.tobytes()]
        colors.add(blue.tobytes())
    assert len(colors) > 2, "the sample shows no color, and proves nothing"
