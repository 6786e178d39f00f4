"""Noticing that one of the processes that train together is gone, and ending all the others.

A rank that waits for a gradient of another's may wait for good, deep in a library that hears neither Ctrl-C nor
the end of the other: NCCL does not notice it, and gloo only if the connection breaks. So each rank has a thread
of its own, with a connection of its own to the store in which the ranks met:

    each rank   writes a beat every 2 s, looks for an announced end, and at rank 0's beat
    rank 0      looks at all beats; announces a rank without one for 60 s (its host died, or it is stopped)
    on error    the rank announces its end and its reason

A rank that finds an end ends itself: at once where it can raise an error, else without further ado.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]

logger = logging.getLogger(__name__)

_END = "end"
_SECONDS_BETWEEN_BEATS = 2.0
_SECONDS_WITHOUT_BEAT = 60.0
_SECONDS_TO_RAISE = 10.0
"""For the main thread to raise what it heard, before the process is ended."""


def leave(reason: str) -> None:
    """End this process, unless its main thread does so first."""
    time.sleep(_SECONDS_TO_RAISE)
    logger.error("this process is ended: %s", reason)
    os._exit(1)


class Heartbeat:
    """One rank's thread."""

    def __init__(
        self,
        store: Store,
        rank: int,
        size: int,
        *,
        on_end: Callable[[str], None] = leave,
        seconds_between: float = _SECONDS_BETWEEN_BEATS,
        seconds_without: float = _SECONDS_WITHOUT_BEAT,
    ) -> None:
        """Start nothing yet.

        Args:
            store: Where the ranks meet; used by the thread, besides it only to announce and to hear.
            rank: This one.
            size: Ranks in all.
            on_end: Called once in the thread with the reason for the end of another rank.
            seconds_between: From beat to beat.
            seconds_without: Until a rank without a beat counts as gone; from its first beat on.
        """
        self._store = PrefixStore("bvas-heartbeat", store)
        self._rank = rank
        self._others = [other for other in range(size) if other != rank] if rank == 0 else [0]
        self._on_end = on_end
        self._seconds_between = seconds_between
        self._seconds_without = seconds_without
        self._beats: dict[int, tuple[bytes, float]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bvas-heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread: nothing that the others do matters any more."""
        self._stopped.set()
        self._thread.join()

    def announce(self, reason: str) -> None:
        """Tell the others that all is over; the first reason stays."""
        self._stopped.set()
        try:
            self._store.compare_set(_END, "", reason)
        except RuntimeError as error:
            logger.debug("the others cannot be told: %s", error)

    def reason(self, seconds: float) -> str | None:
        """Return why all is over, waiting for it for so long; None if nobody has said so."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self._store.check([_END]):
                    return self._store.get(_END).decode(errors="replace")
            except RuntimeError:
                return "the store where the ranks met is gone, and with it the launcher or rank 0"
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)

    def _run(self) -> None:
        number = 0
        while not self._stopped.wait(self._seconds_between):
            try:
                number += 1
                self._store.set(f"beat-{self._rank}", str(number))
                self._look_for_the_lost()
            except RuntimeError as error:
                logger.debug("no store: %s", error)
            reason = self.reason(0)
            if reason is not None and not self._stopped.is_set():
                self._on_end(reason)
                return

    def _look_for_the_lost(self) -> None:
        now = time.monotonic()
        for rank in self._others:
            key = f"beat-{rank}"
            if not self._store.check([key]):
                continue
            beat = self._store.get(key)
            if rank not in self._beats or self._beats[rank][0] != beat:
                self._beats[rank] = (beat, now)
            elif now - self._beats[rank][1] > self._seconds_without:
                self._store.compare_set(
                    _END, "", f"rank {rank} has not been heard of for {self._seconds_without:g} s"
                )
