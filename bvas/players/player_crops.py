"""Crops of players: one pass over a video, in which each grid frame is cut to the box of each player in it.

A frame is decoded once, however many players and windows show it, and a crop is made once. They are what a `ClipLoader`
gives for the same boxes: the same reader, fit and color.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.experiment.input_config import InputConfig
from bvas.loading.device_fit import DeviceFit
from bvas.players.player_windows import PlayerWindow
from bvas.tracking.tracks import Track
from bvas.values.color import to_unit_frames, to_unit_frames_array
from bvas.values.input_format import Cut, box_cuts
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_grid import Grid

_CHUNK_FRAMES = 8

Crop: TypeAlias = Any
"""An array, or a tensor on a device."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameCrops:
    """Players of one grid frame."""

    grid_frame: int
    crops: Mapping[int, Crop]
    """Crop of each player by the place of the track, as `CropReader.unit` takes them; empty where `error` is set."""
    error: DecodeError | None = None
    """Why the frame could not be decoded."""


class CropReader:
    """Reads the crops of players from one video.

    Args:
        reader: The video, as the experiment reads it.
        config: Form of the frames.
        grid: Grid of the video.
        device: Device of the crops; None: they are arrays, and nothing needs PyTorch.
    """

    def __init__(
        self, reader: FrameReader, config: InputConfig, grid: Grid, device: object | None = None
    ) -> None:
        self._reader = reader
        self._grid = grid
        self._device = None if device is None else str(device)
        self._scaling = config.luma_scaling
        form = config.form
        self._fit = DeviceFit(form, self._scaling) if form.is_scaled_on_device else None

    def unit(self, clips: Sequence[Sequence[Crop]]) -> Any:
        """Return clips of crops as float32 in [0, 1] on the device: [B, T, H, W], of RGB [B, T, 3, H, W]."""
        if self._device is None:
            stacks = [np.stack(clip) for clip in clips]
            if self._fit is None:
                stacks = [to_unit_frames_array(stack, self._reader.form, self._scaling) for stack in stacks]
            return np.stack(stacks)
        import torch

        frames = torch.stack([torch.stack(list(clip)) for clip in clips]).to(self._device)
        return to_unit_frames(frames, [self._reader.form] * len(clips), self._scaling)

    def crops(self, wanted: Mapping[int, Sequence[int]], tracks: Sequence[Track]) -> Iterator[FrameCrops]:
        """Yield the crops of grid frames in order.

        A crop follows the box at the time of the frame that the grid shows, so that it fits the picture.

        Args:
            wanted: Places of the tracks that are wanted in each grid frame.
            tracks: The tracks.

        Raises:
            DecodeError: reading failed for another reason than lost frames.
        """
        frames = np.array(sorted(wanted), np.int64)
        sources = self._grid.indices[frames]
        # Grid frames that show the same source frame are read together.
        starts = np.flatnonzero(np.diff(sources, prepend=-1))
        for first in range(0, len(starts), _CHUNK_FRAMES):
            until = starts[first + _CHUNK_FRAMES] if first + _CHUNK_FRAMES < len(starts) else len(frames)
            yield from self._chunk(frames[starts[first] : until].tolist(), wanted, tracks)

    def _chunk(
        self, frames: list[int], wanted: Mapping[int, Sequence[int]], tracks: Sequence[Track]
    ) -> Iterator[FrameCrops]:
        try:
            yield from self._read(frames, wanted, tracks)
            return
        except DecodeError as error:
            if error.lost is None:
                raise
            lost = error
        if len(frames) == 1:
            yield FrameCrops(frames[0], {}, lost)
            return
        for frame in frames:
            yield from self._chunk([frame], wanted, tracks)

    def _read(
        self, frames: list[int], wanted: Mapping[int, Sequence[int]], tracks: Sequence[Track]
    ) -> list[FrameCrops]:
        cuts = {frame: self._cuts(frame, wanted[frame], tracks) for frame in frames}
        if self._fit is not None:
            return [FrameCrops(frame, self._fitted(frame, wanted[frame], cuts[frame])) for frame in frames]
        sources = [int(self._grid.indices[frame]) for frame in frames for _ in wanted[frame]]
        flat = [cut for frame in frames for cut in cuts[frame]]
        read: Callable[..., Any] = self._reader.read_array if self._device is None else self._reader.read
        pixels = read(sources, flat)
        found, position = [], 0
        for frame in frames:
            places = wanted[frame]
            crops = pixels[position : position + len(places)]
            found.append(FrameCrops(frame, dict(zip(places, crops, strict=True))))
            position += len(places)
        return found

    def _fitted(self, frame: int, places: Sequence[int], cuts: Sequence[Cut]) -> dict[int, Crop]:
        """Return the crops of a frame that is read in the source's size."""
        assert self._fit is not None
        reader, source = self._reader, [int(self._grid.indices[frame])]
        aspect = reader.info.sample_aspect
        picture: Any
        fit: Callable[..., Any]
        if self._device is None:
            picture, fit = reader.read_array(source), self._fit.arrays
        else:
            picture, fit = reader.read(source).to(self._device), self._fit
        return {
            place: fit(picture, reader.form, aspect, [cut])[0]
            for place, cut in zip(places, cuts, strict=True)
        }

    def _cuts(self, frame: int, places: Sequence[int], tracks: Sequence[Track]) -> tuple[Cut, ...]:
        shown: NDArray[np.float64] = np.array([self._reader.seconds_of(int(self._grid.indices[frame]))])
        return box_cuts(np.concatenate([tracks[place].boxes_at(shown) for place in places]))


def window_crops(
    reader: CropReader, windows: Sequence[PlayerWindow], tracks: Sequence[Track]
) -> Iterator[tuple[PlayerWindow, list[Crop], DecodeError | None]]:
    """Yield each window with its crops as soon as its frames are read, in one pass over the video.

    Memory holds the crops of one window of each player, however long the video is. Where a frame of a window cannot be
    decoded, its crops are empty and the error says why.

    Args:
        reader: Reads the crops.
        windows: In order of their last frames.
        tracks: The players.

    Raises:
        DecodeError: reading failed for another reason than lost frames.
    """
    wanted: dict[int, set[int]] = defaultdict(set)
    for window in windows:
        for frame in window.frames.tolist():
            wanted[frame].add(window.place)
    kept: dict[tuple[int, int], Crop] = {}
    lost: dict[int, DecodeError] = {}
    span = max((int(window.frames[-1] - window.frames[0]) for window in windows), default=0)
    num_done = 0
    for read in reader.crops({frame: sorted(places) for frame, places in wanted.items()}, tracks):
        frame = read.grid_frame
        if read.error is not None:
            lost[frame] = read.error
        kept.update({(place, frame): crop for place, crop in read.crops.items()})
        while num_done < len(windows) and windows[num_done].frames[-1] <= frame:
            window = windows[num_done]
            num_done += 1
            errors = [lost[number] for number in window.frames.tolist() if number in lost]
            if errors:
                yield window, [], errors[0]
            else:
                yield window, [kept[window.place, number] for number in window.frames.tolist()], None
        # Windows that are left end later, so they begin after this.
        first = frame - span
        kept = {key: crop for key, crop in kept.items() if key[1] >= first}
        lost = {number: error for number, error in lost.items() if number >= first}
