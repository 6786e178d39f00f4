"""Proof that the locks of a folder hold, within a machine and between machines.

Each process keeps a probe file locked, and changes its time every two seconds. Another process finds the probe: where
it can lock it although its time still changes, locks do not reach from one machine to the other. NFS 4 and Lustre
mounted with `-o flock` have such locks; Lustre with `-o localflock` has them on each machine by itself, and many FUSE
and S3 mounts have none.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bvas.errors import DataError
from bvas.system.atomic_files import check_writable
from bvas.system.file_names import output_stem
from bvas.system.locks import is_locked, open_alone

_FOLDER = ".processes"
_SECONDS_BETWEEN_BEATS = 2.0
_SECONDS_TO_END = 3 * _SECONDS_BETWEEN_BEATS
"""A process whose probe keeps its time for so long has ended."""
_REMEDY = (
    "mount it with locks (NFS 4; Lustre with -o flock), or give each process --runs of its own and a part of the "
    "matches by --shard I/N"
)


@contextmanager
def proved_locks(folder: Path) -> Iterator[Path]:
    """Prove that a folder is writable and that its locks keep others out; let others prove it by us in the block.

    Yields the probe of this process, a file in a folder below.

    Args:
        folder: It is made if it is missing.

    Raises:
        DataError: it cannot be written, or a lock of it does not hold.
    """
    check_writable(folder)
    probes = folder / _FOLDER
    host = output_stem(socket.gethostname())
    own = probes / f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
    with _new_probe(own) as file:
        is_over = threading.Event()
        beats = threading.Thread(target=_beat, args=(own, is_over), name="bvas-probe", daemon=True)
        try:
            if not is_locked(own):
                raise DataError(f"locks in {folder} do not hold: one file was locked twice; {_REMEDY}")
            beats.start()
            other = _alive_without_lock(own)
            if other is not None:
                raise DataError(
                    f"locks in {folder} do not reach from {other.rsplit('-', 2)[0]} to {host}: a process there has "
                    f"locked {other}, and this one could lock it too; {_REMEDY}"
                )
            yield own
        finally:
            is_over.set()
            if beats.ident is not None:
                beats.join()
            # Some systems remove no open file.
            file.close()
            own.unlink(missing_ok=True)
            with suppress(OSError):  # other processes have probes in it
                probes.rmdir()


def _new_probe(own: Path) -> BinaryIO:
    """Make and lock a probe.

    Raises:
        DataError: it cannot be written.
    """
    deadline = time.monotonic() + _SECONDS_TO_END
    while True:
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            return open_alone(own)
        except OSError as error:
            # Another process has just removed the folder, or tests the lock of the new probe.
            is_passing = isinstance(error, FileNotFoundError | FileExistsError | BlockingIOError)
            if not is_passing or time.monotonic() > deadline:
                raise DataError(
                    f"cannot write {own}: {error.strerror or error}; choose other --runs"
                ) from error
            time.sleep(0.01)


def _beat(own: Path, is_over: threading.Event) -> None:
    while not is_over.wait(_SECONDS_BETWEEN_BEATS):
        with suppress(OSError):
            os.utime(own)


def _alive_without_lock(own: Path) -> str | None:
    """Return the probe of a process that lives although its lock does not keep us out; remove those that have ended."""
    # The times are the file server's, whose clock may differ from ours.
    now = own.stat().st_mtime_ns
    unlocked = {
        other: changed for other in own.parent.iterdir() if (changed := _time_if_unlocked(other)) is not None
    }
    deadline = time.monotonic() + _SECONDS_TO_END
    # One that is just being made is locked a moment later.
    while any(now - changed < _SECONDS_TO_END * 10**9 for changed in unlocked.values()):
        time.sleep(_SECONDS_TO_END / 60)
        found = {other: _time_if_unlocked(other) for other in unlocked}
        for other, changed in found.items():
            if changed not in (None, unlocked[other]):
                return other.name
        unlocked = {other: changed for other, changed in found.items() if changed is not None}
        if time.monotonic() > deadline:
            break
    for other in unlocked:
        other.unlink(missing_ok=True)
    return None


def _time_if_unlocked(probe: Path) -> int | None:
    """Return the time of change, in nanoseconds, of a probe that is not locked; None without one."""
    try:
        # Opening it brings a network file's attributes up to date.
        return None if is_locked(probe) else probe.stat().st_mtime_ns
    except FileNotFoundError:
        return None
