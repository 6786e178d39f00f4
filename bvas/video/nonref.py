"""Whether pictures that no other refers to may be skipped without changing the rest."""


def may_skip_nonref(codec: str, extradata: bytes | None) -> bool:
    """Return whether libav's skip_frame=NONREF leaves all other frames identical.

    H.264 marks pictures that nothing refers to (nal_ref_idc 0). HEVC marks those that nothing *in the same
    temporal layer* refers to, so there it holds only for a stream of one layer, as its header says.
    In other codecs libav decides by other means; they are decoded whole.
    """
    if codec == "h264":
        return True
    return codec == "hevc" and _num_temporal_layers(extradata or b"") == 1


def _num_temporal_layers(extradata: bytes) -> int | None:
    """Return the layers that the HEVC header declares, or None if it cannot be told."""
    # ISO/IEC 14496-15, 8.3.3.1: hvcC, version 1; byte 21 holds 2 bits, 3 bits numTemporalLayers (0: unknown).
    if extradata[:1] == b"\x01" and len(extradata) > 22:
        return (extradata[21] >> 3) & 7 or None
    # Annex B: a start code, then a VPS (NAL type 32), whose bits 12 to 14 are max_sub_layers_minus1.
    start = extradata.find(b"\x00\x00\x01\x40")
    if start < 0 or len(extradata) < start + 7:
        return None
    return ((extradata[start + 6] >> 1) & 7) + 1
