import logging
from pathlib import Path

import pytest

from bvas.errors import ConfigError, DecodeError
from bvas.loading import worker_counts as mix
from bvas.video.decode import pynvvideocodec as nvidia


def test_auto_leaves_one_core_to_the_training_step_and_says_what_it_picked(monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="bvas.loading.worker_counts")
    monkeypatch.setattr(mix, "free_cores", lambda: 4)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100) == {"pyav": 3}
    assert "{'pyav': 3}, for 4 CPU cores" in caplog.text


def test_auto_counts_on_the_cores_that_it_is_given(monkeypatch):
    monkeypatch.setattr(mix, "free_cores", lambda: 64)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100, 8) == {"pyav": 7}


def test_auto_on_one_core_still_has_a_worker(monkeypatch):
    monkeypatch.setattr(mix, "free_cores", lambda: 1)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 100) == {"pyav": 1}


def test_auto_takes_no_more_workers_than_clips_are_under_way(monkeypatch):
    monkeypatch.setattr(mix, "free_cores", lambda: 64)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: False)
    assert mix.choose_workers("auto", 8) == {"pyav": 8}


def test_auto_mixes_both_kinds_where_nvdec_works(monkeypatch):
    monkeypatch.setattr(mix, "free_cores", lambda: 16)
    monkeypatch.setattr(mix, "_has_nvdec", lambda: True)
    assert mix.choose_workers("auto", 100) == {"nvdec": 3, "pyav": 8}


@pytest.mark.parametrize(
    ("engines", "cores", "slots", "chosen"),
    [
        (7, 16, 100, {"nvdec": 7, "pyav": 8}),
        (7, 8, 100, {"nvdec": 7, "pyav": 1}),
        (1, 16, 100, {"nvdec": 1, "pyav": 8}),
        (3, 6, 100, {"nvdec": 3, "pyav": 2}),
        (7, 16, 4, {"nvdec": 4, "pyav": 4}),
    ],
)
def test_there_is_an_nvdec_worker_for_each_decoder_that_the_gpu_has(
    monkeypatch, caplog, engines, cores, slots, chosen
):
    caplog.set_level(logging.INFO, logger="bvas.loading.worker_counts")
    asked = []
    monkeypatch.setattr(mix, "_has_nvdec", lambda: True)
    monkeypatch.setattr(mix, "build_index", lambda path: (None, f"info of {path}"))
    monkeypatch.setattr(nvidia, "num_engines", lambda info, device: asked.append((info, device)) or engines)

    found = mix.choose_workers("auto", slots, cores, video=Path("a.mp4"), device="cuda:1")

    assert found == chosen
    assert asked == [("info of a.mp4", "cuda:1")]
    assert f"for {cores} CPU cores and {engines} decoders of the GPU" in caplog.text


def test_a_gpu_that_does_not_say_how_many_decoders_it_has_gets_three_workers(monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="bvas.loading.worker_counts")

    def refuse(info, device):
        raise DecodeError("a.mp4 cannot be checked against the GPU", path="a.mp4")

    monkeypatch.setattr(mix, "_has_nvdec", lambda: True)
    monkeypatch.setattr(mix, "build_index", lambda path: (None, None))
    monkeypatch.setattr(nvidia, "num_engines", refuse)

    assert mix.choose_workers("auto", 100, 16, video=Path("a.mp4")) == {"nvdec": 3, "pyav": 8}
    assert "cannot be checked against the GPU" in caplog.text
    assert "decoders of unknown number" in caplog.text


def test_a_loader_asks_for_its_videos(barcode_folder, clips, open_loader, monkeypatch):
    asked = []
    monkeypatch.setattr(mix, "_has_nvdec", lambda: True)
    monkeypatch.setattr(mix, "_num_engines", lambda video, device: asked.append((video, device)) or 0)
    monkeypatch.setattr(mix, "_NUM_NVDEC", 0)

    open_loader(clips, workers="auto")

    assert asked == [(barcode_folder / "first.mp4", "cuda")]


def test_a_count_of_none_is_left_out():
    assert mix.choose_workers({"nvdec": 0, "pyav": 2}, 8) == {"pyav": 2}
    assert mix.choose_workers(0, 8) == {}


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"count 1 for backend 'cuda'.*nvdec, opencv, pyav"):
        mix.choose_workers({"cuda": 1}, 8)
