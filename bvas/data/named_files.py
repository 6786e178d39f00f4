"""Video files that files of other programs name."""

from pathlib import Path, PurePosixPath, PureWindowsPath


def named_file(folder: Path, name: str) -> Path | None:
    """Return the video that a file of another program names; None where it does not exist.

    Args:
        folder: Where relative paths begin.
        name: A path with separators of any system. One that begins at a root or drive of another machine stands for a
            file of its name in `folder`.
    """
    places = [folder / name]
    windows = PureWindowsPath(name)
    if "\\" in name:
        places.append(folder / windows.as_posix())
    if PurePosixPath(name).is_absolute() or windows.is_absolute():
        places.append(folder / windows.name)
    return next((place for place in places if name and place.is_file()), None)
