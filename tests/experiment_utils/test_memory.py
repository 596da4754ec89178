"""What can't fit into memory is refused before anything is allocated."""

import pytest

from experiment_utils import memory
from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.environments import make_env
from experiment_utils.memory import bytes_of_samples, memory_of_machine, require_memory
from experiment_utils.validation import ConfigError


def test_the_estimate_is_that_of_the_arrays():
    """By hand: 3 x 2 x 5 steps of 2 + 4 * 2 + 6 floats, of K + 1 = 2 rounds and one of them again."""
    config = ProMPConfig(env="MetaPointEnv", meta_batch_size=3, rollouts_per_meta_task=2, max_path_length=5)
    assert bytes_of_samples(config, make_env(config)) == 4 * (2 + 8 + 6) * 30 * 3


def test_what_cannot_fit_is_refused_with_the_estimate_and_what_to_lower(monkeypatch):
    config = ProMPConfig(env="MetaPointEnv", meta_batch_size=10**6)
    env = make_env(config)
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 16 * 10**9)
    with pytest.raises(ConfigError, match=r"about 384 GB \(1000000 tasks x 20 rollouts x 100 steps, 2 rounds\), and"):
        require_memory(config, env)
    with pytest.raises(ConfigError, match="lower meta_batch_size, rollouts_per_meta_task or max_path_length"):
        require_memory(config, env)
    require_memory(ProMPConfig(env="MetaPointEnv"), env)


def test_a_containers_limit_counts(monkeypatch, tmp_path):
    whole = memory_of_machine()
    monkeypatch.setattr(memory, "CGROUP_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory_of_machine() == 1000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_of_machine() >= whole
