"""`cut`: intervals or spots of videos joined to one file of highlights, or a file for each."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path

from bvas.cutting.clip_names import check_free, clip_names
from bvas.cutting.cut_list import VideoCut, joined_cuts
from bvas.cutting.interval_cuts import interval_cuts
from bvas.data.interval_files import IntervalFile, checked_row, read_interval_file
from bvas.data.soccernet_entries import Notices
from bvas.errors import ConfigError
from bvas.system.atomic_files import check_writable, new_folder
from bvas.system.interrupts import InterruptsDelayed
from bvas.values.annotations import Interval
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.encode.copied_stretches import plan_copied, write_copied
from bvas.video.encode.encoder import Codec, EncodedFile
from bvas.video.encode.joined_stretches import JoinConfig, joined_coding, write_joined
from bvas.video.encode.stretches import SourceVideo, Stretch, Title, WrittenFile, time_base_of
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

_Progress = Callable[[int, int], None]


def cut(
    videos: Path | str | Sequence[Path | str],
    *,
    intervals: Path | str | Sequence[Interval] | None = None,
    spots: Path | str | None = None,
    out: Path | str | None = None,
    clips: Path | str | None = None,
    before: float | None = None,
    after: float | None = None,
    labels: Sequence[str] = (),
    confidence: float | None = None,
    keep_overlaps: bool = False,
    titles: bool = False,
    copy: bool = False,
    speed: float | Fraction = 1,
    stretch_sound: bool = False,
    codec: Codec = "h264",
    crf: int = 12,
    strict: bool = False,
    overwrite: bool = False,
    reading: ReadOptions = DEFAULT_READING,
    cache: bool = True,
    progress: _Progress | None = None,
) -> list[WrittenFile]:
    """Cut stretches out of videos, with their sound, and join them in one file or write a file for each.

    >>> (made,) = cut("match.mp4", spots="spots/match", labels=["GOAL"], out="goals.mp4")  # doctest: +SKIP
    >>> made.num_frames, made.duration_seconds  # doctest: +SKIP
    (1000, 40.0)

    Args:
        videos: A video, or the parts of a recording, in order.
        intervals: What to cut out: a file that `read_interval_file` reads, or intervals of the one video.
        spots: Instead: what `read_spots` reads, a folder of `bvas spot` or a file; cuts lie around its spots.
        out: File of all cuts, `.mp4`.
        clips: Instead: folder of a file for each cut.
        before: Seconds before a spot; None: 3.
        after: Seconds after a spot; None: 5.
        labels: Only these; none: all.
        confidence: Lowest confidence; None: all intervals, and spots from their operating point up.
        keep_overlaps: Cuts that overlap or touch stay as they are; else they become one.
        titles: Write label and time over the first two seconds of each cut.
        copy: Copy packets without encoding the pictures, from the keyframe before each cut on.
        speed: 0.5 takes twice the time. Frames are neither lost nor doubled.
        stretch_sound: Keep the sound at another speed, at its pitch.
        codec: The coding.
        crf: Quality: 0 is the best, 51 the worst. 12 keeps 40 dB PSNR even of noise, 18 of ordinary pictures.
        strict: Raise where a frame cannot be decoded; else it is left out, and the frame before it stays.
        overwrite: Replace files that exist.
        reading: Which stream of the videos is read, and how.
        cache: Keep the indexes of the videos in the cache folder.
        progress: Called with the frames done and all there are.

    Returns:
        What was written: one file for `out`, one for each cut for `clips`.

    Raises:
        ConfigError: arguments that do not go together, or a file that exists.
        DataError: the intervals or spots are wrong or of another video, or a file cannot be written; nothing is left.
        DecodeError: a video cannot be read, or no frame of a file can be decoded.
    """
    if (intervals is None) == (spots is None) or (out is None) == (clips is None):
        raise ConfigError("give either intervals or spots, and either out or clips")
    if spots is None and (before is not None or after is not None):
        raise ConfigError("before and after are of spots, and intervals are cut as they are; leave them out")
    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"the confidence must lie in [0, 1], got {confidence}")
    if not math.isfinite(speed):
        raise ConfigError(f"the speed must lie in 1/16 to 16, got {speed}")
    config = JoinConfig(
        codec=codec,
        crf=crf,
        speed=Fraction(speed).limit_denominator(1000),
        stretch_sound=stretch_sound,
        strict=strict,
    )
    if copy and (titles or config != JoinConfig(strict=strict)):
        raise ConfigError(
            "--copy keeps the packets as they are, so it does not go with --titles, --speed, --codec or --crf; leave "
            "out one of them"
        )
    paths = [Path(video) for video in ([videos] if isinstance(videos, Path | str) else videos)]
    indexes = [build_index(path, reading=reading, cache=cache) for path in paths]
    sources = [SourceVideo(index=index, info=info) for index, info in indexes]
    notices = Notices()
    if spots is not None:
        # Imported here: results know experiments, which intervals need not.
        from bvas.cutting.spot_cuts import spot_cuts

        found, notices = spot_cuts(
            Path(spots),
            sources,
            before=3.0 if before is None else before,
            after=5.0 if after is None else after,
            labels=labels,
            confidence=confidence,
        )
        read = [Path(spots)]
    else:
        assert intervals is not None
        file = _interval_file(intervals, notices)
        found = interval_cuts(file, sources, labels=labels, confidence=confidence)
        read = [file.path]
    for line in notices.lines():
        logger.warning("%s", line)
    cuts = joined_cuts(found, keep_overlaps=keep_overlaps)
    groups = _groups(cuts, None if out is None else Path(out), None if clips is None else Path(clips))
    check_free(groups, [*paths, *read], overwrite=overwrite)
    folder = next(iter(groups)).parent
    check_writable(folder, *(f"{target.name}.part" for target in groups))
    with_name = len(paths) > 1
    work = {
        target: [_stretch(one, titles=titles, with_name=with_name) for one in group]
        for target, group in groups.items()
    }
    with new_folder(folder):
        writer = _Writer(sources, config, joined=not keep_overlaps, progress=progress)
        return writer.write_copies(work) if copy else writer.write_encoded(work)


def _interval_file(intervals: Path | str | Sequence[Interval], notices: Notices) -> IntervalFile:
    if isinstance(intervals, Path | str):
        return read_interval_file(Path(intervals), notices)
    rows = tuple(checked_row("", one, f"interval {number}", notices) for number, one in enumerate(intervals))
    if not rows:
        raise ConfigError("no intervals are given; a cut needs at least one")
    return IntervalFile(path=Path("the list of intervals"), rows={"": rows})


def _groups(cuts: Sequence[VideoCut], out: Path | None, clips: Path | None) -> dict[Path, list[VideoCut]]:
    """Return the cuts of each file."""
    if clips is not None:
        return {clips / name: [one] for name, one in zip(clip_names(cuts), cuts, strict=True)}
    assert out is not None
    if out.suffix.lower() != ".mp4":
        raise ConfigError(f"the cuts become an .mp4, got {out}; name it so")
    return {out: list(cuts)}


def _stretch(cut: VideoCut, *, titles: bool, with_name: bool) -> Stretch:
    title: Title | None = None
    if titles:
        # Imported here: it loads matplotlib for its fonts.
        from bvas.cutting.titles import DrawnTitle, title_of

        title = DrawnTitle(title_of(cut, with_name=with_name))
    return Stretch(source=cut.source, frames=cut.frames, title=title)


class _Writer:
    """Writes files of stretches, all or none: they take their names when the last one is complete."""

    def __init__(
        self,
        sources: Sequence[SourceVideo],
        config: JoinConfig,
        *,
        joined: bool,
        progress: _Progress | None,
    ) -> None:
        self._sources, self._config, self._joined, self._progress = sources, config, joined, progress
        self._done = 0

    def write_encoded(self, work: dict[Path, list[Stretch]]) -> list[WrittenFile]:
        """Encode the stretches of each file."""
        total = sum(len(one.frames) for stretches in work.values() for one in stretches)
        made = []
        with ExitStack() as stack:
            files = []
            for target, stretches in work.items():
                # All of one file are brought to the size of the first video that is in it.
                used = {one.source for one in stretches}
                first = next(source for source in self._sources if source in used)
                coding = joined_coding(first, stretches, self._config)
                file = stack.enter_context(EncodedFile(target, coding, options=_muxing(coding.time_base)))
                files.append(file)
                made.append(
                    write_joined(file, stretches, coding, self._config, progress=self._counted(total))
                )
                self._done += made[-1].num_frames
            _publish(files)
        return made

    def write_copies(self, work: dict[Path, list[Stretch]]) -> list[WrittenFile]:
        """Copy the packets of each file."""
        planned = {target: plan_copied(stretches, joined=self._joined) for target, stretches in work.items()}
        total = sum(len(one.frames) for copied in planned.values() for one in copied)
        made = []
        with ExitStack() as stack:
            files = []
            for target, copied in planned.items():
                base = time_base_of([one.source for one in copied])
                container, stream = copied[0].source.index.open()
                with closing(container):
                    file = EncodedFile(target, None, options=_muxing(base), copied=stream, time_base=base)
                files.append(stack.enter_context(file))
                made.append(write_copied(file, copied, base, progress=self._counted(total)))
                self._done += made[-1].num_frames
            _publish(files)
        return made

    def _counted(self, total: int) -> Callable[[int], None]:
        progress, before = self._progress, self._done

        def report(done: int) -> None:
            if progress is not None:
                progress(before + done, total)

        return report


def _muxing(time_base: Fraction) -> dict[str, str]:
    # Else libav rounds an mp4's start to milliseconds.
    return {"movie_timescale": str(time_base.denominator)}


def _publish(files: Iterable[EncodedFile]) -> None:
    with InterruptsDelayed():
        for file in files:
            file.publish()
