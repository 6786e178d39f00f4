"""A Ray cluster on this machine: local_ray.py CPUS..., a node for each number; the first is the head.

Prints its address; ends the last node by a kill for each line that it reads, and itself with its input.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def main(cpus: list[int]) -> None:
    from ray.cluster_utils import Cluster

    settings = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus[0], **settings})
    nodes = [cluster.add_node(num_cpus=number, object_store_memory=80 * 2**20) for number in cpus[1:]]
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


def ray_environment() -> dict[str, str]:
    """Return the environment of the cluster's processes and of the driver: with a token, and the tests' modules."""
    here = Path(__file__).parent
    places = [here, here / "predicting", here / "system", here.parent]
    return {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "4f1d" * 16,
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([*map(str, places), *sys.path]),
    }


@contextmanager
def local_ray(*cpus: int) -> Iterator[subprocess.Popen]:
    """Run the cluster; the process has `address`."""
    process = subprocess.Popen(
        [sys.executable, __file__, *map(str, cpus)],
        env=ray_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.address = next(line.strip() for line in process.stdout if ":" in line)
        yield process
    finally:
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        process.wait(timeout=60)


def kill_node(process: subprocess.Popen) -> None:
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "killed\n"


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
