"""HDR is known from its tags, said, and mapped to SDR gray by the standards' formulas, alike in every reader."""

import json
import logging

import av
import numpy as np
import pytest
from hdr_samples import (
    BT2020,
    HLG,
    PQ,
    expected,
    light_of_hlg,
    light_of_pq,
    ramp,
    sdr_of_light,
    with_container_color,
    write_hdr,
)
from stream_sources import open_any, piped, served, written_slowly
from video_samples import make_video, read_luma, remux

from bvas import DecodeError, open_stream, open_video
from bvas.cli import main
from bvas.video.decode.pynvvideocodec import luma_of_surface
from bvas.video.index.stored_picture import contradiction_text, hdr_text
from bvas.video.index.tone_curve import tone_table
from bvas.video.index.video_index import build_index

SDR = 1


def formula(codes, transfer, bits, **options):
    """The 8-bit luma that the standards give for an array of codes, unrounded, float64."""
    table = [expected(code, transfer, bits, **options) for code in range(2**bits)]
    return np.array(table)[codes]


def first_frame(source, **options):
    with open_any(source, **options) as reader:
        return next(reader.stream())[1][0].copy()


def test_the_reference_has_the_values_that_the_standards_print():
    # BT.2408, table 1: 203 cd/m2 is 58 % PQ and 75 % HLG; 18 % gray is 26 cd/m2 at 38 % of both.
    assert light_of_pq(0.58) == pytest.approx(203, rel=0.01)
    assert light_of_hlg(0.75) == pytest.approx(203, rel=0.01)
    assert light_of_pq(0.38) == pytest.approx(26, rel=0.03)
    assert light_of_hlg(0.38) == pytest.approx(26, rel=0.03)
    # Below the knee at 92 cd/m2 light is kept: 50 / 203 with the gamma of 2.4.
    assert sdr_of_light(50) == pytest.approx((50 / 203) ** (1 / 2.4))
    assert sdr_of_light(1000) == sdr_of_light(4000) == 1
    assert 0.9 < sdr_of_light(203) < 0.91


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize(
    ("name", "bits", "settings"),
    [
        ("ten.mp4", 10, {}),
        ("ten.mkv", 10, {"full": True}),
        ("ten.ts", 10, {}),
        ("twelve.mkv", 12, {"pixel_format": "yuv420p12le"}),
        ("eight.mp4", 8, {"codec": "libx264", "pixel_format": "yuv420p"}),
        ("h264.mp4", 10, {"codec": "libx264"}),
        ("lossless.mkv", 10, {"codec": "ffv1", "pixel_format": "yuv422p10le"}),
        ("gray.mkv", 10, {"codec": "ffv1", "pixel_format": "gray10le"}),
        ("rgb.mkv", 10, {"codec": "ffv1", "pixel_format": "gbrp10le", "matrix": 0, "full": True}),
    ],
)
def test_a_gray_ramp_comes_out_as_the_formula_in_float64(tmp_path, transfer, name, bits, settings):
    codes = ramp(bits)
    path = write_hdr(tmp_path / name, codes, transfer=transfer, **settings)
    found = first_frame(path)
    off = np.abs(found - formula(codes, transfer, bits, full=settings.get("full", False)))
    assert off.max() <= (2 if "rgb" in name else 0.51)
    with open_video(path, cache=False) as reader:
        assert reader.info.color.hdr == {PQ: "PQ", HLG: "HLG"}[transfer]
        assert reader.info.color_range == ("full" if settings.get("full") else "limited")


def test_the_barcodes_of_the_shared_file_come_out_as_the_formula(shared_data):
    path = shared_data / "cases" / "hdr_pq.mp4"
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    with open_video(path, cache=False) as reader:
        found = read_luma(reader, range(50))
    assert len(frames) == 50
    for frame, luma in zip(frames, found, strict=True):
        codes = np.frombuffer(frame.planes[0], np.uint16).reshape(96, -1)[:, :160]
        assert np.abs(luma - formula(codes, PQ, 10)).max() <= 0.51


@pytest.mark.parametrize("codec", ["libsvtav1", "libvpx-vp9"])
def test_av1_and_vp9_are_mapped_too(tmp_path, codec):
    bits = 10 if codec == "libsvtav1" else 8
    settings = {"pixel_format": "yuv420p10le"} if bits == 10 else {"pixel_format": "yuv420p"}
    options = {"preset": "12", "crf": "1"} if bits == 10 else {"lossless": "1", "cpu-used": "8"}
    path = write_hdr(tmp_path / "a.webm", ramp(bits), codec=codec, options=options, **settings)
    stored = first_frame(path, tone="none").astype(int) << (bits - 8)
    # The ramp as coded, with the two bits that the shift took off unknown.
    low, high = formula(stored, PQ, bits), formula(stored + (3 if bits == 10 else 0), PQ, bits)
    found = first_frame(path)
    assert ((low - 0.51 <= found) & (found <= high + 0.51)).all()


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_without_tone_mapping_the_stored_bits_are_shifted(tmp_path, transfer):
    path = write_hdr(tmp_path / "a.mp4", ramp(10), transfer=transfer)
    assert np.array_equal(first_frame(path, tone="none"), ramp(10) >> 2)
    with open_video(path, tone="none", cache=False) as reader:
        assert "the stored bits are taken" in hdr_text(reader.info, "none")


def test_sdr_of_ten_bits_is_shifted_whatever_is_asked(tmp_path):
    for name, settings in (
        ("untagged.mp4", {"transfer": 2, "primaries": 2, "matrix": 2}),
        ("bt2020.mp4", {"transfer": 14}),
        ("bt709.mp4", {"transfer": 1, "primaries": 1, "matrix": 1}),
    ):
        path = write_hdr(tmp_path / name, ramp(10), **settings)
        for tone in ("sdr", "none"):
            assert np.array_equal(first_frame(path, tone=tone), ramp(10) >> 2)
        assert hdr_text(build_index(path, cache=False)[1], "sdr") is None


def test_opencv_gives_the_same_bytes_of_eight_bit_hdr_or_refuses_it(tmp_path):
    path = write_hdr(
        tmp_path / "a.mp4",
        ramp(8),
        codec="libx264",
        pixel_format="yuv420p",
        transfer=HLG,
        matrix=6,
        num_frames=8,
    )
    reference = first_frame(path)
    assert np.abs(reference - formula(ramp(8), HLG, 8)).max() <= 0.51
    for tone, luma in (("sdr", reference), ("none", ramp(8))):
        try:
            found = first_frame(path, backend="opencv", tone=tone)
        except DecodeError as error:
            # OpenCV 5 changes the luma of files that name their colors.
            refusal, found = str(error), luma
        else:
            refusal = "comes out of OpenCV with other pixels"
        assert "comes out of OpenCV with other pixels" in refusal
        assert np.array_equal(found, luma)


def check_nvdec(path):
    for tone in ("sdr", "none"):
        with open_video(path, "nvdec", device="cuda", tone=tone, cache=False) as reader:
            assert reader.backend == "nvdec"
            assert np.array_equal(read_luma(reader, [0])[0], first_frame(path, tone=tone))


@pytest.mark.gpu
@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("full", [False, True])
def test_nvdec_gives_the_same_bytes(tmp_path, transfer, full):
    path = write_hdr(tmp_path / "a.mp4", ramp(10), transfer=transfer, full=full)
    check_nvdec(path)


@pytest.mark.gpu
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_nvdec_gives_the_same_bytes_of_8_bits(tmp_path, driver, transfer):
    # No chip decodes lossless H.264.
    path = write_hdr(tmp_path / "b.mp4", ramp(8), codec="libx264", pixel_format="yuv420p", transfer=transfer)
    check_nvdec(path)


@pytest.mark.parametrize("bits", [10, 12])
def test_a_surface_with_its_bits_at_the_top_is_mapped_by_its_codes(bits):
    torch = pytest.importorskip("torch")
    table = tone_table("PQ", bits, "limited")
    codes = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    surface = torch.from_numpy(np.concatenate([codes, codes[:4]]) << (16 - bits))
    assert np.array_equal(
        luma_of_surface(surface, codes.shape, torch.from_numpy(table.copy())).numpy(), table[codes]
    )


def test_a_pipe_a_growing_file_and_an_address_are_mapped_as_the_file_is(tmp_path):
    path = write_hdr(tmp_path / "a.mkv", ramp(10), transfer=HLG, num_frames=30)
    mapped = first_frame(path)
    with piped(path) as pipe:
        assert np.array_equal(first_frame(pipe), mapped)
    with piped(path) as pipe:
        assert np.array_equal(first_frame(pipe, tone="none"), ramp(10) >> 2)
    with written_slowly(path, seconds=0.1) as growing:
        assert np.array_equal(first_frame(growing, growing=True, idle_seconds=0.5), mapped)
    with served(tmp_path) as address:
        assert np.array_equal(first_frame(f"{address}/a.mkv"), mapped)


def test_a_size_is_fitted_after_mapping_and_the_cache_holds_the_tags(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAS_HOME", str(tmp_path / "home"))
    path = write_hdr(tmp_path / "a.mp4", np.full((48, 80), 572, np.uint16))
    for _ in range(2):
        with open_video(path, size=(24, 40)) as reader:
            assert reader.info.color.names == {
                "transfer": "smpte2084",
                "primaries": "bt2020",
                "matrix": "bt2020nc",
            }
            # Code 572 is (143 - 16) / 219 = 0.58, 203 cd/m2, which comes out at 0.904 of 219 above 16.
            assert set(np.unique(read_luma(reader, [0]))) == {214}
    with open_video(path, tone="none") as reader:
        assert set(np.unique(read_luma(reader, [0]))) == {572 >> 2}


def test_hlg_named_by_an_sei_beside_a_bt2020_tag_is_hlg(tmp_path):
    path = write_hdr(tmp_path / "a.mp4", ramp(10), transfer=14, params="atc-sei=18")
    info = build_index(path, cache=False)[1]
    assert (info.color.hdr, info.container_color.names["transfer"]) == ("HLG", "bt2020-10")
    assert contradiction_text(info) is None
    assert np.abs(first_frame(path) - formula(ramp(10), HLG, 10)).max() <= 0.51


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_tags_of_the_container_count_where_the_bitstream_has_none(tmp_path, name):
    untagged = "colorprim=2:transfer=2:colormatrix=2"
    path = write_hdr(tmp_path / name, ramp(10), params=untagged)
    with av.open(str(path)) as container:
        assert int(next(container.decode(video=0)).color_trc) != PQ
    assert np.abs(first_frame(path) - formula(ramp(10), PQ, 10)).max() <= 0.51


def test_where_container_and_bitstream_differ_the_bitstream_counts_and_that_is_said(tmp_path):
    hdr = write_hdr(tmp_path / "hdr.mp4", ramp(10))
    sdr = write_hdr(tmp_path / "sdr.mp4", ramp(10), transfer=1, primaries=1, matrix=1)
    tagged_sdr = with_container_color(hdr, tmp_path / "a.mp4", 1, SDR, 1)
    tagged_hdr = with_container_color(sdr, tmp_path / "b.mp4", BT2020, PQ, BT2020)
    assert np.array_equal(first_frame(tagged_sdr), first_frame(hdr))
    assert np.array_equal(first_frame(tagged_hdr), ramp(10) >> 2)
    for path, stream in ((tagged_sdr, "PQ"), (tagged_hdr, "SDR")):
        text = contradiction_text(build_index(path, cache=False)[1])
        assert f"the bitstream {stream}" in text
        assert "the bitstream counts" in text


def joined(tmp_path, *transfers, container="ts", codec="libx265"):
    """One file of several recordings, byte after byte, each with a tag of its own."""
    data = b""
    for number, transfer in enumerate(transfers):
        primaries = 1 if transfer == SDR else BT2020
        part = write_hdr(
            tmp_path / f"{number}.{container}",
            ramp(10),
            transfer=transfer,
            primaries=primaries,
            matrix=primaries,
            codec=codec,
            num_frames=14,
            params="keyint=14:bframes=0",
        )
        data += part.read_bytes()
    path = tmp_path / f"joined.{container}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("codec", ["libx265", "libx264"])
@pytest.mark.parametrize("transfers", [(SDR, PQ), (HLG, SDR), (PQ, HLG)])
def test_each_frame_of_joined_recordings_is_mapped_by_its_own_tag_and_the_change_is_said(
    tmp_path, caplog, codec, transfers
):
    path = joined(tmp_path, *transfers, codec=codec)
    names = [{SDR: "SDR", PQ: "PQ", HLG: "HLG"}[transfer] for transfer in transfers]
    parts = [first_frame(tmp_path / f"{number}.ts") for number in range(2)]
    with caplog.at_level(logging.WARNING), open_video(path, cache=False) as reader:
        frames = np.concatenate([batch.copy() for _, batch in reader.stream()])
        info = reader.info
    assert np.array_equal(frames[0], parts[0])
    assert np.array_equal(frames[-1], parts[1])
    said = [
        line for line in caplog.messages if f"is {names[0]} at the start and {names[1]} from frame" in line
    ]
    assert len(said) == 1
    assert info.later_transfers == (transfers[1],)
    assert names[0] in hdr_text(info, "sdr") or "later frames" in hdr_text(info, "sdr")
    with piped(path) as pipe, open_stream(pipe) as stream:
        streamed = np.concatenate([batch.copy() for _, batch in stream.stream()])
    assert np.array_equal(streamed, frames)


def test_decoders_that_tell_no_tags_refuse_what_changes_between_sdr_and_hdr(tmp_path):
    joint = joined(tmp_path, SDR, PQ)

    def later(number, packet):
        # The second recording begins again at time 0.
        packet.pts = packet.dts = number * 3600

    path = remux(joint, tmp_path / "a.mkv", later)
    with open_video(path, cache=False) as reader:
        assert reader.info.num_frames == 28
        assert reader.info.later_transfers == (PQ,)
    for backend in ("opencv", "nvdec"):
        with pytest.raises(DecodeError, match="changes between SDR and HDR"):
            open_video(path, backend, device="cuda", cache=False)


def test_video_check_says_it_in_one_line_and_in_json(tmp_path, capsys):
    path = write_hdr(tmp_path / "a.mp4", ramp(10))
    assert main(["video", "check", str(path), "--no-cache"]) == 0
    printed = capsys.readouterr()
    (line,) = [line for line in printed.out.splitlines() if "smpte2084" in line]
    assert "transfer smpte2084, primaries bt2020, matrix bt2020nc; HDR (PQ), mapped to SDR" in line
    (said,) = [line for line in printed.err.splitlines() if "HDR (PQ); mapped to SDR" in line]
    assert "--tone none" in said
    assert main(["video", "check", str(path), "--no-cache", "--tone", "none", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["hdr"], found["tone"], found["color"]["transfer"]) == ("PQ", "none", "smpte2084")
    plain = make_video(tmp_path / "b.mp4", num_frames=5)
    assert main(["video", "check", str(plain), "--no-cache"]) == 0
    assert "HDR" not in capsys.readouterr().out
