"""Prediction of the labelled matches of a workplace on a Ray cluster: predicting_on_ray.py FOLDER ADDRESS."""

import json
import logging
import os
import sys
from functools import partial
from pathlib import Path

from workplaces import Workplace

from bvas.predicting.many_matches import predict_matches
from bvas.system.jobs.ray_cluster import RaySettings
from bvas.system.jobs.ray_executor import join_ray

SEGMENT_FRAMES = 100


def main(folder: Path, address: str) -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    os.chdir(folder)
    place = Workplace(folder)
    settings = RaySettings(address=address, num_workers=2)
    done = predict_matches(
        place.held_out(0, 1),
        place.work(segment_frames=SEGMENT_FRAMES, save_seconds=0.3),
        None,
        devices="cpu",
        make_executor=partial(join_ray, settings, device="cpu", folders=[folder / "runs"]),
    )
    print(json.dumps({"counts": done.counts, "rows": done.num_rows, "failures": done.failures}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
