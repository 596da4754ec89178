"""Sweeps on a Ray cluster, through joblib's Ray backend. Needs the package ray, and a folder that all machines share."""

from collections.abc import Callable

import joblib
import ray
from ray.util.joblib import register_ray


def ray_pool(address: str, jobs: int) -> joblib.Parallel:
    """A pool on the cluster, for calls made by `on_any_machine`; `jobs` at a time.

    Args:
      address: "auto", the cluster that this machine is part of, or "ray://host:port" of the cluster's client server.

    Raises:
      ConnectionError: there is no cluster.
    """
    if not ray.is_initialized():
        ray.init(address=address, log_to_driver=False, logging_level="warning")
    register_ray()
    waiting = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}  # the pool's workers only wait for the calls
    return joblib.Parallel(n_jobs=jobs, backend="ray", ray_remote_args=waiting, batch_size=1, pre_dispatch="all")


def on_any_machine(function: Callable[..., object], cpus: int, *args: object) -> object:
    """function(*args) on a machine that has so many cores free. If the machine is lost, it is called again on another."""
    return ray.get(ray.remote(function).options(num_cpus=cpus, max_retries=-1).remote(*args))
