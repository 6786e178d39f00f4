"""Readers used by eight threads at once: python threads_child.py VIDEO BACKEND RUNS; a crash is the exit code.

Prints the messages of all errors, each once, and how many reads succeeded.
"""

import random
import sys
import threading
import time
from pathlib import Path

import emulated_driver
import numpy as np

from bvas.video.container.read_options import source_of
from bvas.video.decode.open_video import open_video
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader

NUM_THREADS = 8


def opened(path: Path, backend: str):
    if backend == "growing":
        source = source_of(path, growing=True)
        return StreamReader(source, on_damage="deliver", patience=Patience(idle=0.05))
    return open_video(path, backend, device="cuda" if backend == "nvdec" else "cpu")


def use(reader, steps, seed: int, start, messages: set[str], counts: list[int]) -> None:
    rng = random.Random(seed)
    out = np.empty((3, *reader.size), np.uint8)
    uses = [lambda: next(steps, None), lambda: reader.info]
    if isinstance(reader, StreamReader):
        # Another stream would take the frames of this one.
        uses += [reader.must_wait, lambda: reader.index]
    else:
        uses += [lambda: list(reader.stream(reader.info.num_frames))]
        uses += [lambda: reader.read_into([3, 40, 9], out)] * 3
    start.wait()
    for number in range(20):
        is_last = seed == 0 and number == 19
        if is_last:
            # The others must have begun: a closed reader has no two threads in it.
            time.sleep(0.02)
        try:
            (reader.close if is_last else rng.choice(uses))()
            counts[seed] += 1
        except RuntimeError as error:
            messages.add(str(error))


def main() -> None:
    path, backend, num_runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if backend == "nvdec" and emulated_driver.why_not() is None:
        emulated_driver.start()
    messages: set[str] = set()
    counts = [0] * NUM_THREADS
    sys.setswitchinterval(1e-4)
    start = threading.Barrier(NUM_THREADS)
    num_done = 0
    # On a busy machine threads may take turns by chance: then some runs more.
    while num_done < num_runs or (num_done < 100 and not any("at once" in message for message in messages)):
        num_done += 1
        reader = opened(path, backend)
        steps = reader.stream(batch_size=2)
        threads = [
            threading.Thread(target=use, args=(reader, steps, seed, start, messages, counts))
            for seed in range(NUM_THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # The last reference goes in whichever thread the collector runs.
        del reader, steps, threads
    print(sum(counts))
    print("\n".join(sorted(messages)))


if __name__ == "__main__":
    main()
