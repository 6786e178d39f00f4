"""The emulated driver reports what a real one would suffer from. The library over it is the vendor's own."""

import ctypes

import av
import pytest
import torch
from video_samples import make_video

from bvas.video.container.coded_packets import annex_b, parameter_sets

pytestmark = pytest.mark.gpu
SIZE = (144, 160)


@pytest.fixture
def nvc(driver):
    import PyNvVideoCodec

    return PyNvVideoCodec


def coded(path, **settings):
    """The packets of a video of some frames, each with its time, parameter sets before the first."""
    options = {"x264-params": f"bframes=0:{settings.pop('params', 'ref=1')}"}
    make_video(path, **{"size": SIZE, "num_frames": 4, "options": options} | settings)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata
        packets = [packet for packet in container.demux(stream) if packet.size]
        found = [(annex_b("h264", extradata, bytes(packet)), packet.pts) for packet in packets]
    return [(parameter_sets("h264", extradata) + found[0][0], found[0][1]), *found[1:]]


def new_decoder(nvc, **options):
    torch.cuda.current_stream().synchronize()
    return nvc.CreateDecoder(
        gpuid=0,
        codec=nvc.cudaVideoCodec.H264,
        cudacontext=0,
        cudastream=torch.cuda.Stream().cuda_stream,
        usedevicememory=True,
        **options,
    )


def fed(nvc, decoder, data, pts, flag=0):
    """The frames of one call, which live until the next one."""
    packet = nvc.PacketData()
    buffer = ctypes.create_string_buffer(data, len(data) or 1)
    packet.bsl_data, packet.bsl = (ctypes.addressof(buffer) if data else 0), len(data)
    packet.pts, packet.decode_flag = pts, flag
    return decoder.Decode(packet)


def decoded(nvc, decoder, packets):
    """Copies of the pictures that come out, as the library hands them out."""
    return [
        torch.from_dlpack(frame).clone()
        for packet in [*packets, (b"", 0)]
        for frame in fed(nvc, decoder, *packet)
    ]


def test_one_stream_is_decoded_without_a_fault_and_leaves_nothing(tmp_path, driver, nvc):
    before = driver.held()
    decoder = new_decoder(nvc)
    pictures = decoded(nvc, decoder, coded(tmp_path / "a.mp4"))
    assert [tuple(picture.shape) for picture in pictures] == [(216, 160)] * 4
    held = driver.leaks(before)
    assert (held["decoders"], held["parsers"], "mapped" in held) == (1, 1, False)
    del decoder
    assert driver.leaks(before) == {}
    assert driver.faults() == []


def test_pictures_scaled_to_the_size_of_another_stream_are_a_fault(tmp_path, driver, nvc):
    decoder = new_decoder(nvc, maxwidth=320, maxheight=320)
    decoded(nvc, decoder, coded(tmp_path / "a.mp4"))
    pictures = decoded(nvc, decoder, coded(tmp_path / "b.mp4", size=(96, 112)))
    assert tuple(pictures[0].shape) == (216, 160)
    assert driver.faults() == ["a picture of 112x96 is handed out scaled to 160x144"]


def test_a_stream_of_more_references_than_a_decoder_has_surfaces_for_is_a_fault(tmp_path, driver, nvc):
    decoder = new_decoder(nvc)
    decoded(nvc, decoder, coded(tmp_path / "a.mp4", params="ref=1"))
    assert driver.faults() == []
    decoded(nvc, decoder, coded(tmp_path / "b.mp4", params="ref=16"))
    (fault,) = driver.faults()
    assert fault.startswith("a stream that needs 17 surfaces has a decoder made for ")


def test_a_crop_above_or_left_that_is_not_made_is_a_fault(tmp_path, driver, nvc):
    decoded(nvc, new_decoder(nvc), coded(tmp_path / "a.mp4", params="ref=1:crop-rect=4,2,12,14"))
    assert driver.faults() == ["a picture that begins at (2, 4) is shown from (0, 0) on"]


def test_pictures_of_the_call_before_are_overwritten(tmp_path, driver, nvc):
    decoder, flag = new_decoder(nvc), int(nvc.VideoPacketFlag.ENDOFPICTURE)
    first, second, *_ = coded(tmp_path / "a.mp4")
    picture = torch.from_dlpack(fed(nvc, decoder, *first, flag)[0])
    copy = picture.clone()
    fed(nvc, decoder, *second, flag)
    assert not picture.equal(copy)


def test_a_parser_gives_a_picture_with_its_own_packet_only_where_it_is_told_that_it_is_whole(
    tmp_path, driver, nvc
):
    for flag, expected in ((0, [0, 1, 1, 1]), (int(nvc.VideoPacketFlag.ENDOFPICTURE), [1, 1, 1, 1])):
        decoder = new_decoder(nvc)
        counts = [len(fed(nvc, decoder, *packet, flag)) for packet in coded(tmp_path / "a.mp4")]
        assert counts == expected


def test_copies_beyond_an_allocation_and_memory_freed_twice_are_faults(driver):
    cuda = driver.library
    torch.cuda.current_stream().synchronize()
    memory, data = ctypes.c_uint64(), ctypes.create_string_buffer(200)
    assert cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(100)) == 0
    assert cuda.cuMemcpyHtoD_v2(memory, data, ctypes.c_size_t(100)) == 0
    assert driver.faults() == []
    assert cuda.cuMemcpyHtoD_v2(memory, data, ctypes.c_size_t(101)) != 0
    assert cuda.cuMemcpyDtoH_v2(data, ctypes.c_uint64(memory.value + 60), ctypes.c_size_t(41)) != 0
    assert driver.faults() == ["a copy writes 101 bytes where 100 are", "a copy reads 41 bytes where 40 are"]
    assert cuda.cuMemFree_v2(memory) == 0
    assert cuda.cuMemFree_v2(memory) != 0
    assert driver.faults() == ["memory is freed that was not allocated, or twice"]


def test_what_is_kept_shows_and_so_does_a_context_too_many(driver):
    cuda, before = driver.library, driver.held()
    torch.cuda.current_stream().synchronize()
    memory, context = ctypes.c_uint64(), ctypes.c_void_p()
    cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(100))
    cuda.cuCtxCreate_v2(ctypes.byref(context), 0, 0)
    assert driver.leaks(before) == {"memory": 1, "contexts": 1, "depth": 1}
    cuda.cuCtxDestroy_v2(context)
    cuda.cuMemFree_v2(memory)
    assert driver.leaks(before) == {}
