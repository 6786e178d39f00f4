"""Frames of stacks, and stacks of clips, with the state of each."""

# Dimension letters in this file: S frames per stack, N stacks per clip, M stacks or clips in a batch.

import numpy as np
from numpy.typing import NDArray

from bvas.inference.ring_buffer import RingTable, SlotState
from bvas.values.clip_config import ClipConfig


def stacks_from(
    starts: NDArray[np.int64], clip: ClipConfig, frames: RingTable, num_frames: int, stride: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the frames [M, S] of the stacks that begin at `starts`, and each stack's state.

    Args:
        starts: First frames [M].
        clip: Frames that a clip holds.
        frames: Slots of the frames.
        num_frames: Frames of the video so far; beyond both ends the edge is repeated.
        stride: Frames from one computed row to the next; stacks that only other rows need are skipped.
    """
    frames_MS = starts[:, None] + np.arange(clip.stack_size) * clip.frame_step
    frames_MS = np.clip(frames_MS, 0, num_frames - 1)
    is_whole = (frames.states(frames_MS) == SlotState.READY).all(axis=1)
    is_needed = ((starts[:, None] - _stack_offsets(clip)) % stride == 0).any(axis=1)
    wanted = np.where(is_needed, SlotState.READY, SlotState.SKIPPED)
    return frames_MS, np.where(is_whole, wanted, SlotState.GAP).astype(np.uint8)


def clips_around(
    centers: NDArray[np.int64], clip: ClipConfig, stacks: RingTable, stride: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the first frames [M, N] of the stacks of the clips around `centers`, and the state of each clip's row.

    Args:
        centers: Center frames [M].
        clip: Frames that a clip holds.
        stacks: Slots of the stacks.
        stride: Frames from one computed row to the next.
    """
    starts_MN = centers[:, None] + _stack_offsets(clip)
    states_MN = stacks.states(starts_MN)
    has_gap = (states_MN == SlotState.GAP).any(axis=1)
    is_skipped = (states_MN == SlotState.SKIPPED).any(axis=1) | (centers % stride != 0)
    states = np.where(is_skipped, SlotState.SKIPPED, SlotState.READY)
    return starts_MN, np.where(has_gap, SlotState.GAP, states).astype(np.uint8)


def num_needed_stacks(clip: ClipConfig, stride: int) -> int:
    """Return how many of `stride` successive stacks a computed row needs."""
    return len(np.unique(_stack_offsets(clip) % stride))


def _stack_offsets(clip: ClipConfig) -> NDArray[np.int64]:
    """Return where a clip's stacks begin, relative to its center [N]."""
    return np.arange(clip.num_stacks) * clip.stack_size * clip.frame_step - clip.frames_before
