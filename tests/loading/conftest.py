from dataclasses import fields

import av
import pytest
from loading_videos import LABELS, write_barcodes

from bvas.experiment.loading_config import LoadingConfig
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import TrainingClips
from bvas.loading.labelled_video import label_video
from bvas.loading.loader import ClipLoader
from bvas.values.annotations import Annotation
from bvas.values.clip_config import ClipConfig


@pytest.fixture(scope="session")
def barcode_folder(tmp_path_factory):
    """Two videos, first.mp4 that shows 0 to 99 and second.mkv 100 to 199, and two that are harder.

    damaged.mp4 shows 0 to 99, but 40 to 59 cannot be decoded. stream.ts shows 0 to 99, in a container
    that the OpenCV backend refuses.
    """
    folder = tmp_path_factory.mktemp("barcodes")
    write_barcodes(folder / "first.mp4")
    write_barcodes(folder / "second.mkv", first=100)
    _damage(folder / "damaged.mp4")
    _remux(folder / "first.mp4", folder / "stream.ts")
    return folder


def _damage(path):
    """Write barcodes in intervals of 20 frames, and wipe out what frames 40 to 59 are coded in."""
    write_barcodes(path, keyframe_interval=20)
    with av.open(str(path)) as container:
        packets = [
            (packet.pts, packet.pos, packet.size) for packet in container.demux(video=0) if packet.size
        ]
    packets = sorted(packet for packet in packets if packet[2])
    content = bytearray(path.read_bytes())
    for _, position, size in packets[40:60]:
        content[position : position + size] = bytes(size)
    path.write_bytes(content)


def _remux(source, target):
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)


@pytest.fixture(scope="session")
def make_clips(barcode_folder):
    """Return training clips of 5 frames, every 2nd, drawn from files of the folder."""

    def make(*names, num_clips=30):
        annotations = [Annotation("PASS", 1.0), Annotation("DRIVE", 2.0)]
        videos = [label_video(barcode_folder / name, annotations, LABELS, 25) for name in names]
        clip = ClipConfig(num_frames=5, frame_step=2, stack_size=5)
        return TrainingClips(videos, clip, sampling=SamplingConfig(clips_per_epoch=num_clips))

    return make


@pytest.fixture(scope="session")
def clips(make_clips):
    return make_clips("first.mp4", "second.mkv")


@pytest.fixture
def open_loader():
    """Return a function that makes loaders of the barcodes' size; they are closed after the test.

    It takes the fields of `LoadingConfig` and the other arguments of `ClipLoader` by name.
    """
    loaders = []

    def make(clips, batch_size=4, **options):
        names = {field.name for field in fields(LoadingConfig)} & options.keys()
        loading = LoadingConfig(**{name: options.pop(name) for name in names})
        loaders.append(ClipLoader(clips, batch_size, size=(32, 128), loading=loading, **options))
        return loaders[-1]

    yield make
    for loader in loaders:
        loader.close()
