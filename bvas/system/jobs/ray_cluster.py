"""Connection to a Ray cluster that runs already."""

import logging
import os
import socket
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from bvas.errors import ConfigError
from bvas.system.log_lines import first_line

logger = logging.getLogger(__name__)

_SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RaySettings:
    """Which cluster, and which part of it."""

    address: str
    """HOST:PORT of its head, or `auto`: where Ray looks by itself (RAY_ADDRESS, then this machine)."""
    num_workers: int | None = None
    """Workers; None is as many as the free CPUs, or GPUs, are enough for."""
    num_gpus: float = 0.0
    """GPUs of each worker, which also has one CPU."""


class RayCalls(Protocol):
    """What of the module `ray` is used."""

    exceptions: Any

    def remote(self, **options: Any) -> Any:
        """Return what makes a class one of actors."""
        ...

    def wait(self, refs: list[Any], *, timeout: float) -> tuple[list[Any], list[Any]]:
        """Return an answer that is there, and the others."""
        ...

    def get(self, ref: Any) -> Any:
        """Return the value of an answer, or raise its error."""
        ...

    def kill(self, actor: Any) -> None:
        """End an actor."""
        ...

    def shutdown(self) -> None:
        """Disconnect."""
        ...


def connect(settings: RaySettings) -> tuple[RayCalls, int]:
    """Connect to a cluster; return Ray and how many workers to start.

    Raises:
        ConfigError: Ray is not installed, the cluster is not found, its versions differ, or no CPU or GPU is free.
    """
    try:
        ray = import_module("ray")
    except ModuleNotFoundError as error:
        raise ConfigError("--ray needs the package ray: pip install 'bvas[ray]'") from error
    _check_address(settings.address)
    try:
        ray.init(
            address=settings.address,
            log_to_driver=False,
            configure_logging=False,
            namespace="bvas",
        )
    # Ray raises these for no cluster, other versions, and a token that is missing or wrong.
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ConfigError(
            f"cannot join the Ray cluster {settings.address} ({first_line(error)}); start one by 'ray start --head', "
            "run bvas on one of its machines, with the same RAY_AUTH_MODE and token, and the same Python and Ray"
        ) from error
    if os.environ.get("RAY_AUTH_MODE") != "token":
        logger.warning(
            "RAY_AUTH_MODE is not 'token': anyone who reaches the ports of the cluster can run programs on it; set "
            "RAY_AUTH_MODE=token on all machines before 'ray start' (docs/cluster.md)"
        )
    kind, each = ("GPU", settings.num_gpus) if settings.num_gpus else ("CPU", 1)
    free = ray.available_resources()
    most = min(int(free.get(kind, 0) / each), int(free.get("CPU", 0)))
    num_workers = most if settings.num_workers is None else settings.num_workers
    if num_workers < 1:
        ray.shutdown()
        raise ConfigError(
            f"the Ray cluster {settings.address} has no {kind} free for a worker; wait, or give --ray-workers N to "
            "wait for machines that join"
        )
    gpus = ray.cluster_resources().get("GPU", 0)
    logger.info("Ray: %d workers, each with 1 CPU and %g of %g GPUs", num_workers, settings.num_gpus, gpus)
    calls: RayCalls = ray
    return calls, num_workers


def _check_address(address: str) -> None:
    """Refuse what Ray would start a cluster for, or try to reach for minutes before it ends the process."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise ConfigError(
            f"--ray must be auto or HOST:PORT of a cluster's head, e.g. head:6379; got {address!r}"
        )
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error}); start one by 'ray start --head', or give its address"
        ) from error
