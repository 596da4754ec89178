"""Whether an iteration fits into memory, by an estimate before anything is allocated."""

import math
import os
from pathlib import Path

from gymnasium.spaces import Discrete

from experiment_utils.config import Config
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.normalized_env import NormalizedEnv

FLOAT = 4  # bytes
PER_STEP = 6  # further numbers of a step: reward (two floats wide), start, weight, advantage, mask
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container


def require_memory(config: Config, env: NormalizedEnv) -> None:
    """Raise ConfigError if the samples of an iteration alone are larger than this machine's memory."""
    needed, there = bytes_of_samples(config, env), memory_of_machine()
    if needed > there:
        rounds = f"{config.num_inner_grad_steps + 1} round{'s' if config.num_inner_grad_steps else ''}"
        size = f"{config.meta_batch_size} tasks x {config.rollouts_per_meta_task} rollouts x {config.max_path_length} steps"
        what = f"the samples of an iteration take about {_gigabytes(needed)} ({size}, {rounds})"
        remedy = "lower meta_batch_size, rollouts_per_meta_task or max_path_length"
        raise ConfigError(f"{what}, and this machine has {_gigabytes(there)} of memory; {remedy}")


def bytes_of_samples(config: Config, env: NormalizedEnv) -> int:
    """Return what the K + 1 rounds of an iteration hold at least, and one of them twice while its steps are put together.

    A step holds observation [O], action, noise, mean and standard deviation [A] each, and `PER_STEP` numbers.
    """
    space = env.action_space
    size_of_action = int(space.n) if isinstance(space, Discrete) else math.prod(space.shape)
    per_step = math.prod(env.observation_space.shape) + 4 * size_of_action + PER_STEP
    steps = config.meta_batch_size * config.rollouts_per_meta_task * config.max_path_length
    return FLOAT * per_step * steps * (config.num_inner_grad_steps + 2)


def memory_of_machine() -> int:
    """Return the bytes of memory that this machine, or the container, has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP_LIMIT.read_text(encoding="ascii").strip() if CGROUP_LIMIT.exists() else "max"
    return memory if limit == "max" else min(memory, int(limit))


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:,.3g} GB" if number < 1e12 else f"{number / 1e9:,.0f} GB"
