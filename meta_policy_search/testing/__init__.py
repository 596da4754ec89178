"""Checks of an algorithm or a task family from outside the package, in one line each.

from meta_policy_search.testing import check_algorithm, check_env

def test_my_algorithm():
    check_algorithm(lambda policy, **inner: MyAlgorithm(policy, **inner))

def test_my_family():
    check_env(MyFamily)
"""

from meta_policy_search.testing.algorithms import (
    check_algorithm,
    check_masks,
    check_meta_gradient,
    check_resume,
    check_task_axis,
)
from meta_policy_search.testing.envs import check_env

__all__ = ["check_algorithm", "check_env", "check_masks", "check_meta_gradient", "check_resume", "check_task_axis"]
