"""Crops of players: one pass over a video, in which each grid frame is cut to the box of each player in it.

A frame is decoded once, however many players and windows show it, and a crop is made once. They are what a `ClipLoader`
gives for the same boxes: the same reader, fit and color.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.errors import DecodeError
from bvas.experiment.input_config import InputConfig
from bvas.loading.device_fit import DeviceFit
from bvas.players.player_windows import PlayerWindow
from bvas.tracking.tracks import Track
from bvas.values.color import to_unit_frames
from bvas.values.input_format import Cut, box_cuts
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_grid import Grid

_CHUNK_FRAMES = 8


@dataclass(frozen=True, slots=True, eq=False)
class FrameCrops:
    """Players of one grid frame."""

    grid_frame: int
    crops: Mapping[int, Tensor]
    """Crop of each player by the place of the track, as `CropReader.unit` takes them; empty where `error` is set."""
    error: DecodeError | None = None
    """Why the frame could not be decoded."""


class CropReader:
    """Reads the crops of players from one video.

    Args:
        reader: The video, as the experiment reads it.
        config: Form of the frames.
        grid: Grid of the video.
        device: Device of the crops.
    """

    def __init__(self, reader: FrameReader, config: InputConfig, grid: Grid, device: torch.device) -> None:
        self._reader = reader
        self._grid = grid
        self._device = device
        self._scaling = config.luma_scaling
        form = config.form
        self._fit = DeviceFit(form, self._scaling) if form.is_scaled_on_device else None

    def unit(self, clips: Sequence[Sequence[Tensor]]) -> Tensor:
        """Return clips of crops as float32 in [0, 1] on the device: [B, T, H, W], of RGB [B, T, 3, H, W]."""
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
            return [
                FrameCrops(frame, self._device_crops(frame, wanted[frame], cuts[frame])) for frame in frames
            ]
        sources = [int(self._grid.indices[frame]) for frame in frames for _ in wanted[frame]]
        flat = [cut for frame in frames for cut in cuts[frame]]
        pixels = self._reader.read(sources, flat)
        found, position = [], 0
        for frame in frames:
            places = wanted[frame]
            crops = pixels[position : position + len(places)]
            found.append(FrameCrops(frame, dict(zip(places, crops, strict=True))))
            position += len(places)
        return found

    def _device_crops(self, frame: int, places: Sequence[int], cuts: Sequence[Cut]) -> dict[int, Tensor]:
        assert self._fit is not None
        reader = self._reader
        picture = reader.read([int(self._grid.indices[frame])]).to(self._device)
        aspect = reader.info.sample_aspect
        return {
            place: self._fit(picture, reader.form, aspect, [cut])[0]
            for place, cut in zip(places, cuts, strict=True)
        }

    def _cuts(self, frame: int, places: Sequence[int], tracks: Sequence[Track]) -> tuple[Cut, ...]:
        shown: NDArray[np.float64] = np.array([self._reader.seconds_of(int(self._grid.indices[frame]))])
        return box_cuts(np.concatenate([tracks[place].boxes_at(shown) for place in places]))


def window_crops(
    reader: CropReader, windows: Sequence[PlayerWindow], tracks: Sequence[Track]
) -> Iterator[tuple[PlayerWindow, list[Tensor], DecodeError | None]]:
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
    kept: dict[tuple[int, int], Tensor] = {}
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
