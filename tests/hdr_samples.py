"""HDR videos made on the spot, and BT.2100, BT.2390 and BT.1886 in float64, written from the standards alone."""

import math
import struct

import av
import numpy as np

PQ, HLG = 16, 18
BT2020 = 9
SIZE = (144, 320)


def light_of_pq(signal):
    """SMPTE ST 2084, 5.2: cd/m2 of a signal."""
    m1, m2 = 0.1593017578125, 78.84375
    c1, c2, c3 = 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    return 10000 * (max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def pq_of_light(light):
    """SMPTE ST 2084, 5.3."""
    m1, m2 = 0.1593017578125, 78.84375
    c1, c2, c3 = 0.8359375, 18.8515625, 18.6875
    power = (light / 10000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def light_of_hlg(signal):
    """BT.2100, table 5, for R = G = B on a display of 1000 cd/m2: inverse OETF, then OOTF with gamma 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = signal**2 / 3 if signal <= 0.5 else (math.exp((signal - c) / a) + b) / 12
    return 1000 * scene**1.2


def sdr_of_light(light):
    """BT.2390, 5.4.1 from 1000 to 203 cd/m2, then BT.1886 with a white of 203 cd/m2 and a black of 0."""
    whole = pq_of_light(1000)
    e1 = pq_of_light(min(light, 1000)) / whole
    most = pq_of_light(203) / whole
    knee = 1.5 * most - 0.5
    if e1 >= knee:
        t = (e1 - knee) / (1 - knee)
        e1 = (
            (2 * t**3 - 3 * t**2 + 1) * knee
            + (t**3 - 2 * t**2 + t) * (1 - knee)
            + (-2 * t**3 + 3 * t**2) * most
        )
    return min(light_of_pq(e1 * whole) / 203, 1) ** (1 / 2.4)


def expected(code, transfer, bits, *, full=False):
    """The 8-bit SDR luma of a code, before rounding."""
    signal = code / (2**bits - 1) if full else (code / 2 ** (bits - 8) - 16) / 219
    signal = min(max(signal, 0), 1)
    light = light_of_pq(signal) if transfer == PQ else light_of_hlg(signal)
    return 255 * sdr_of_light(light) if full else 16 + 219 * sdr_of_light(light)


def ramp(bits, size=SIZE):
    """All codes of a depth, as far as they fit, each a block of 2x2 equal samples or a row of them; uint16 [H, W]."""
    blocks = np.arange(size[0] * size[1] // 16)
    codes = blocks * (2**bits) // len(blocks)
    small = codes.reshape(size[0] // 4, size[1] // 4)
    return np.kron(small, np.ones((4, 4))).astype(np.uint16)


def write_hdr(
    path,
    luma,
    *,
    transfer=PQ,
    codec="libx265",
    pixel_format="yuv420p10le",
    primaries=BT2020,
    matrix=BT2020,
    full=False,
    chroma=None,
    num_frames=3,
    options=None,
    params="",
    container_options=None,
):
    """Write a video of equal frames; `params` are x264's or x265's. Both keep flat blocks at quality 1."""
    chroma = chroma or (None, None)
    options = dict(options or {})
    if codec in ("libx264", "libx265"):
        name = codec.removeprefix("lib")
        quiet = "log-level=none:" if codec == "libx265" else ""
        lossless = "lossless=1" if codec == "libx265" else "qp=0"
        options[f"{name}-params"] = f"{quiet}{lossless}{':' if params else ''}{params}"
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *luma.shape, pixel_format
        context = stream.codec_context
        context.thread_count = 1
        context.color_primaries, context.color_trc, context.colorspace = primaries, transfer, matrix
        context.color_range = 2 if full else 1
        for number in range(num_frames):
            frame = hdr_frame(luma, pixel_format, chroma)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def hdr_frame(luma, pixel_format, chroma=(None, None)):
    frame = av.VideoFrame(luma.shape[1], luma.shape[0], pixel_format)
    bits = frame.format.components[0].bits
    dtype = np.uint8 if bits == 8 else np.uint16
    planes = (luma, *chroma) if len(frame.planes) > 1 else (luma,)
    if frame.format.is_rgb:
        planes = (luma, luma, luma)
    for plane, values in zip(frame.planes, planes, strict=True):
        target = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        target[:] = 2 ** (bits - 1)
        if values is not None:
            target[:, : plane.width] = values
    return frame


def dolby_record(profile, compatibility, *, base_layer=1):
    """A DOVIDecoderConfigurationRecord of 24 bytes."""
    bits = profile << 17 | 6 << 11 | 1 << 10 | base_layer << 8 | compatibility << 4
    return bytes([1, 0]) + bits.to_bytes(3, "big") + bytes(19)


def add_to_sample_entry(source, target, box, entry=b"hev1", renamed=None):
    """Copy an mp4 whose moov comes last, with a box more in the sample entry of its video."""
    data = bytearray(source.read_bytes())
    begin, end, sizes = 0, len(data), []
    for kind, skip in (
        (b"moov", 8),
        (b"trak", 8),
        (b"mdia", 8),
        (b"minf", 8),
        (b"stbl", 8),
        (b"stsd", 16),
        (entry, 8),
    ):
        place = begin
        while data[place + 4 : place + 8] != kind:
            place += struct.unpack_from(">I", data, place)[0]
            assert place < end, kind
        length = struct.unpack_from(">I", data, place)[0]
        sizes.append(place)
        begin, end = place + skip, place + length
    data[end:end] = box
    for place in sizes:
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(box))
    if renamed is not None:
        data[sizes[-1] + 4 : sizes[-1] + 8] = renamed
    target.write_bytes(data)
    return target


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_container_color(source, target, primaries, transfer, matrix):
    """Copy an mp4 with other color tags in its sample entry; the bitstream keeps its own."""
    data = bytearray(source.read_bytes())
    place = data.index(b"colrnclx") + 8
    struct.pack_into(">HHH", data, place, primaries, transfer, matrix)
    target.write_bytes(data)
    return target
