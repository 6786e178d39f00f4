"""Options of the verbs that can work on a Ray cluster."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bvas.system.jobs.job import Executor


def add_ray(parser: argparse.ArgumentParser, *, gpus: bool) -> None:
    """Add --ray, --ray-workers and, where a GPU helps, --ray-gpus: work on a Ray cluster."""
    group = parser.add_argument_group("a Ray cluster (docs/cluster.md)")
    group.add_argument(
        "--ray",
        metavar="auto|HOST:PORT",
        help="work on a Ray cluster that runs already; auto: RAY_ADDRESS, or the one of this machine",
    )
    group.add_argument(
        "--ray-workers",
        type=int,
        metavar="N",
        help="workers, each with a CPU (default: as many as its free CPUs, or GPUs, are enough for)",
    )
    if gpus:
        group.add_argument(
            "--ray-gpus",
            type=float,
            metavar="G",
            help="GPUs of each worker (default: 0, also where it has some)",
        )


def ray_maker(args: argparse.Namespace, folder: Path, *excluded: str) -> "Callable[..., Executor] | None":
    """Return what makes the executor of `add_ray`, None without --ray; make all paths of `args` absolute with it.

    It takes other `folders` that the jobs write or read together, if there are several.

    Args:
        args: The options.
        folder: What the jobs write.
        excluded: Options, as attributes of `args`, that say where this machine computes.

    Raises:
        ConfigError: options that exclude each other, or a value that is not a number of workers or GPUs.
    """
    from bvas.errors import ConfigError
    from bvas.system.jobs.ray_cluster import RaySettings
    from bvas.system.jobs.ray_executor import join_ray

    gpus = getattr(args, "ray_gpus", None)
    if args.ray is None:
        if args.ray_workers is not None or gpus is not None:
            raise ConfigError("--ray-workers and --ray-gpus are of --ray; give --ray auto or --ray HOST:PORT")
        return None
    for name in excluded:
        if getattr(args, name) not in (None, "auto"):
            raise ConfigError(f"--{name} is of this machine and --ray of a cluster; give one of them")
    if args.ray_workers is not None and args.ray_workers < 1:
        raise ConfigError(f"--ray-workers must be at least 1, got {args.ray_workers}")
    if gpus is not None and not 0 <= gpus < 1000:
        raise ConfigError(f"--ray-gpus must be 0 or more, got {gpus:g}")
    if gpus is not None and gpus > 1 and gpus != int(gpus):
        raise ConfigError(f"--ray-gpus above 1 must be a whole number, got {gpus:g}")
    # Workers have another working folder.
    for name, value in vars(args).items():
        if isinstance(value, Path):
            setattr(args, name, value.absolute())
        elif isinstance(value, list):
            setattr(args, name, [one.absolute() if isinstance(one, Path) else one for one in value])
    settings = RaySettings(address=args.ray, num_workers=args.ray_workers, num_gpus=gpus or 0.0)
    return partial(join_ray, settings, device=ray_device(args), folders=[folder.absolute()])


def ray_device(args: argparse.Namespace) -> str:
    """Return the kind of device of the workers: `cpu` or `cuda`; empty for verbs without --ray-gpus."""
    return "" if not hasattr(args, "ray_gpus") else "cuda" if args.ray_gpus else "cpu"
