"""A clip whose motion can be read off it: numbers in bars say which frame it is, round spots where it went."""

import torch

T, H, W = 15, 184, 320
NUM_BITS = 4
BAR = 24
"""Width of a bar; four of them in the middle, most significant first."""
CENTER = torch.tensor([(W - 1) / 2, (H - 1) / 2], dtype=torch.float64)
SPOTS = CENTER + torch.tensor([[-120, -60], [120, -60], [-120, 60], [120, 60]], dtype=torch.float64)
"""Where the spots are, (x, y)."""
# As far as they reach.
RADIUS = 9


def barcode_clip() -> torch.Tensor:
    """The clip, float32 [T, H, W]: frame t shows the number t; all spots lie still."""
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    spots = sum(torch.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 8) for sx, sy in SPOTS.tolist())
    frames = spots.repeat(T, 1, 1)
    for number, frame in enumerate(frames):
        for bit in range(NUM_BITS):
            left = W // 2 + (bit - NUM_BITS // 2) * BAR
            frame[60:124, left : left + BAR] = 0.9 if number >> (NUM_BITS - 1 - bit) & 1 else 0.3
    return frames.float()


def numbers_in(frames: torch.Tensor) -> list[int]:
    """The number that each frame shows, read within the bars: a move of up to 8 pixels does not matter."""
    numbers = []
    for frame in frames:
        bits = [
            bool(frame[88:96, W // 2 + (bit - NUM_BITS // 2) * BAR :][:, 8:16].mean() > 0.6)
            for bit in range(NUM_BITS)
        ]
        numbers.append(sum(1 << (NUM_BITS - 1 - bit) for bit in range(NUM_BITS) if bits[bit]))
    return numbers


def spots_in(frames: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """Where the spots are in each frame [T, 4, 2], each searched for around a place of `near` [T, 4, 2]."""
    found = torch.empty(len(frames), len(SPOTS), 2, dtype=torch.float64)
    for t, frame in enumerate(frames.double()):
        for number, (x, y) in enumerate(near[t].round().long().tolist()):
            window = frame[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1]
            reach = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
            found[t, number, 0] = x + (window.sum(0) * reach).sum() / window.sum()
            found[t, number, 1] = y + (window.sum(1) * reach).sum() / window.sum()
    return found


def turned(degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    """Where the spots come [4, 2] by a clockwise turn and a zoom about the center, and a shift."""
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    x, y = (SPOTS - CENTER).T
    turned_x = angle.cos() * x - angle.sin() * y
    turned_y = angle.sin() * x + angle.cos() * y
    return CENTER + scale * torch.stack([turned_x, turned_y], dim=1) + torch.tensor(shift)


def poses_of(spots: torch.Tensor) -> torch.Tensor:
    """Degrees, zoom and shift [T, 4] that took the spots from their places to those [T, 4, 2]: least squares."""
    given = torch.complex(*(SPOTS - CENTER).T)
    found = torch.complex(*(spots - CENTER).movedim(-1, 0))
    shift = found.mean(dim=1)
    # The spots are symmetric about the center, so the mean place is the shift.
    factor = ((found - shift[:, None]) * given.conj()).sum(dim=1) / (given.abs() ** 2).sum()
    return torch.stack([torch.rad2deg(factor.angle()), factor.abs(), shift.real, shift.imag], dim=1)
