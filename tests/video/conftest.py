"""What several test files of videos share; the helpers beside it can be imported by them all."""

import sys

import fake_nvc
import pytest

from bvas.video.backends import nvdec


@pytest.fixture
def fake(monkeypatch):
    """Make nvdec decode with the stand-in; call it to change the stand-in's behavior."""

    def install(**behavior):
        monkeypatch.setitem(sys.modules, "PyNvVideoCodec", fake_nvc.make_fake(**behavior))

    monkeypatch.setattr(nvdec, "CudaDecoder", fake_nvc.HostDecoder)
    monkeypatch.setattr(fake_nvc.HostDecoder, "made", [])
    monkeypatch.setattr(nvdec, "gpu_of", lambda device, info: 0)
    install()
    return install
