"""Print the properties of video files, and the decoders that read them.

These are frames and times, decoders that read or refuse a file, the cost of a random clip, and the command that makes a
plain file of an awkward one.
"""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bvas.commands import options
from bvas.commands.console import json_shown, partial_code, progress_bar
from bvas.values.plural import count_text

if TYPE_CHECKING:
    from bvas.video.decode.damage_scan import FileDamage
    from bvas.video.decode.file_survey import VideoSurvey

logger = logging.getLogger(__name__)

_RATE_ORIGINS = {
    "container": "by the container's header; the packets carry no reliable times",
    "headers": "by the headers of the coded frames, which have no times of their own",
    "arrival": "by the times at which frames arrived",
    "option": "as given by --rate",
    "assumed": "assumed, as nothing says it",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bvas video check`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
    options.add_decode(parser)
    options.add_json(parser)
    options.add_reading(parser)
    options.add_no_cache(parser)


def run(args: argparse.Namespace) -> int:
    """Survey each video, and print the findings."""
    from bvas.errors import DecodeError
    from bvas.video.decode.file_survey import survey_video

    reading = options.reading_of(args)
    found: list[dict[str, Any]] = []
    num_failed = 0
    for video in args.videos:
        try:
            with progress_bar(video.name, "frame", quiet=args.quiet or not args.decode) as bar:
                survey = survey_video(
                    video, reading=reading, decode=args.decode, cache=not args.no_cache, progress=bar
                )
        except DecodeError as error:
            if len(args.videos) == 1:
                raise
            num_failed += 1
            logger.error("%s", error)
            found.append({"path": str(video), "error": str(error)})
            continue
        found.append(survey_json(survey))
        if not args.json:
            print(survey_text(survey))
    if args.json:
        print(json_shown(found if len(args.videos) > 1 else found[0]))
    return partial_code(num_failed, len(args.videos))


def survey_text(survey: "VideoSurvey") -> str:
    """Return a survey as lines for people."""
    info, index = survey.info, survey.index
    shortest, median, longest = info.keyframe_intervals
    rate = str(info.rate) if info.rate.denominator == 1 else f"{float(info.rate):.3f} ({info.rate})"
    varies = "varying, on average " if info.variable_rate else ""
    aspect = "" if info.sample_aspect == 1 else f", samples {info.sample_aspect} as wide as high"
    turned = f", to be turned by {info.rotation} degrees" if info.rotation else ""
    turned = f", to be mirrored{turned}" if info.mirrored else turned
    rows = [
        ("frames", f"{info.num_frames}, {varies}{rate} a second"),
        (
            "time",
            f"{info.duration_seconds:.3f} s; the container's clock starts at {info.start_seconds:.3f} s",
        ),
        ("picture", f"{info.height}x{info.width} (height x width){aspect}{turned}"),
        (
            "coding",
            f"{info.codec} in {index.container}, {info.pixel_format}, {info.bit_depth} bits, "
            f"{info.color_range} range, {'interlaced' if info.interlaced else 'progressive'}",
        ),
        ("color", _color_text(survey)),
        ("keyframes", f"every {median} frames (shortest {shortest}, longest {longest})"),
    ]
    if len(info.streams) > 1 and index.reading.stream is not None:
        others = "; ".join(str(stream) for stream in info.streams if stream.number != index.stream)
        rows.append(("stream", f"{index.stream}; there is also {others}"))
    if info.rate_origin != "times":
        rows.append(("rate", _RATE_ORIGINS[info.rate_origin]))
    rows += [("note", line) for line in info.choices]
    if index.gradual_refresh:
        rows.append(("", "the picture is refreshed bit by bit"))
    if index.decode_order:
        rows.append(("numbering", "in the order of decoding, as the packets carry no reliable times"))
    for backend, refusal in survey.refusals.items():
        rows.append((backend, "reads it" if refusal is None else f"refuses it: {refusal}"))
    cost = f"{survey.frames_per_clip:.1f} frames decoded for a random clip of 15 (step 2)"
    if survey.cpu_seconds_per_clip is not None:
        cost += f", about {survey.cpu_seconds_per_clip:.3f} s of one CPU core"
    rows.append(("cost", cost))
    if survey.damage is not None:
        rows += _damage_rows(survey.damage)
    if survey.remedy is not None:
        rows += [("awkward", trait) for trait in survey.remedy.traits]
        if survey.remedy.prepare is not None:
            rows.append(("same frames", survey.remedy.prepare))
        rows.append(("plain file", survey.remedy.ffmpeg))
    return "\n".join([str(info.path), *(f"  {name:<12} {text}" for name, text in rows)])


def survey_json(survey: "VideoSurvey") -> dict[str, Any]:
    """Return a survey as plain values; the keys are the same for every video."""
    from bvas.video.container.color_tags import ColorTags

    info, index, remedy, damage = survey.info, survey.index, survey.remedy, survey.damage
    return {
        "path": str(info.path),
        "container": index.container,
        "codec": info.codec,
        "pixel_format": info.pixel_format,
        "bit_depth": info.bit_depth,
        "color_range": info.color_range,
        "color": info.color.names,
        "container_color": info.container_color.names,
        "hdr": info.color.hdr,
        "later_transfers": [ColorTags(transfer=code).names["transfer"] for code in info.later_transfers],
        "dolby_vision": None if info.dolby_vision is None else info.dolby_vision.name,
        "tone": index.reading.tone,
        "height": info.height,
        "width": info.width,
        "sample_aspect": str(info.sample_aspect),
        "rotation": info.rotation,
        "mirrored": info.mirrored,
        "interlaced": info.interlaced,
        "num_frames": info.num_frames,
        "rate": str(info.rate),
        "rate_origin": info.rate_origin,
        "stream": index.stream,
        "streams": [asdict(stream) for stream in info.streams],
        "choices": list(info.choices),
        "variable_rate": info.variable_rate,
        "duration_seconds": info.duration_seconds,
        "start_seconds": info.start_seconds,
        "keyframe_intervals": info.keyframe_intervals._asdict(),
        "decode_order": index.decode_order,
        "gradual_refresh": index.gradual_refresh,
        "notes": list(info.choices),
        "backends": {
            backend: {"admitted": refusal is None, "refusal": refusal}
            for backend, refusal in survey.refusals.items()
        },
        "frames_per_clip": survey.frames_per_clip,
        "cpu_seconds_per_clip": survey.cpu_seconds_per_clip,
        "awkward": [] if remedy is None else list(remedy.traits),
        "prepare_command": None if remedy is None else remedy.prepare,
        "ffmpeg_command": None if remedy is None else remedy.ffmpeg,
        "lost_frames": None if damage is None else [[part.start, part.stop] for part in damage.lost],
        "damaged_frames": None if damage is None else list(damage.damaged),
    }


def _damage_rows(damage: "FileDamage") -> list[tuple[str, str]]:
    from bvas.video.decode.damage_scan import frames_text, ranges_of

    rows = []
    if damage.lost:
        rows.append(("lost", f"{count_text(damage.num_lost, 'frame')}: {frames_text(damage.lost)}"))
    if damage.damaged:
        places = frames_text(ranges_of(damage.damaged))
        rows.append(
            ("damaged", f"{count_text(len(damage.damaged), 'frame')} after a decoding error: {places}")
        )
    return rows or [("damage", "none reported by the decoder")]


def _color_text(survey: "VideoSurvey") -> str:
    info = survey.info
    text = ", ".join(f"{tag} {name}" for tag, name in info.color.names.items())
    if info.color.hdr is None:
        return text
    done = "mapped to SDR" if survey.index.reading.tone == "sdr" else "shifted to 8 bits as stored"
    return f"{text}; HDR ({info.color.hdr}), {done}"
