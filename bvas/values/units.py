"""Durations and file sizes as text."""


def duration_text(seconds: float) -> str:
    """Return a duration for people: `45 s`, `12 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def bytes_text(num_bytes: float) -> str:
    """Return a size for people, in powers of 1000: `640 kB`, `12.5 MB`, `1.9 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes / 1e3:.0f} kB"
