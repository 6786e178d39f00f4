import signal
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
from video_samples import make_video

from bvas.system.interrupts import InterruptsDelayed
from bvas.video.container.open_container import open_input, read_packets
from bvas.video.encode import encoder as encoder_module
from bvas.video.encode.encoder import Coding, EncodedFile


class _Pressed:
    """A file in whose `calls`-th read or write Ctrl-C is pressed."""

    def __init__(self, file, calls):
        self._file, self._calls = file, calls

    def _press(self):
        self._calls -= 1
        if not self._calls:
            signal.raise_signal(signal.SIGINT)

    def read(self, size=-1):
        self._press()
        return self._file.read(size)

    def write(self, data):
        self._press()
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


def _written(path):
    coding = Coding(size=(48, 64), rate=Fraction(25), time_base=Fraction(1, 25))
    with EncodedFile(path, coding) as file:
        for number in range(50):
            picture = av.VideoFrame.from_ndarray(
                np.random.default_rng(number).integers(0, 255, (72, 64), np.uint8), "yuv420p"
            )
            picture.pts = number
            file.encode(picture)
        file.finish()
        file.publish()


def test_ctrl_c_is_raised_at_the_end_of_the_block_and_the_second_one_at_once():
    steps = []
    with pytest.raises(KeyboardInterrupt):
        with InterruptsDelayed():
            signal.raise_signal(signal.SIGINT)
            steps.append("within")
        steps.append("behind")
    assert steps == ["within"]
    with pytest.raises(KeyboardInterrupt):
        with InterruptsDelayed():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            steps.append("never")
    assert steps == ["within"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_leaves_the_handler_alone():
    seen = []

    def look():
        with InterruptsDelayed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("calls", [1, 2, 3, 5])
def test_ctrl_c_within_a_write_leaves_no_file(tmp_path, monkeypatch, calls):
    opened = encoder_module.open_alone
    monkeypatch.setattr(encoder_module, "open_alone", lambda path: _Pressed(opened(path), calls))
    with pytest.raises(KeyboardInterrupt):
        _written(tmp_path / "v.mkv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_ctrl_c_within_a_read_is_not_taken_for_the_end(tmp_path, calls):
    path = make_video(tmp_path / "v.ts", num_frames=60, size=(320, 240))
    with path.open("rb") as file, pytest.raises(KeyboardInterrupt):
        container, stream = open_input(_Pressed(file, calls), "v.ts")
        assert len(list(read_packets(container, stream))) == 60
