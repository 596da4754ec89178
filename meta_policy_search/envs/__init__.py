"""Task families. `load_env` finds them by name; importing this package registers them with gymnasium."""

import importlib

import gymnasium

_MUJOCO, _POINT = "meta_policy_search.envs.mujoco_envs", "meta_policy_search.envs.point_envs"

# name of the original -> where it lives
FAMILIES = {
    "HalfCheetahRandDirecEnv": f"{_MUJOCO}.half_cheetah_rand_direc:HalfCheetahRandDirecEnv",
    "MetaPointEnvCorner": f"{_POINT}.point_env_2d_corner:MetaPointEnvCorner",
}


def gymnasium_id(family: str) -> str:
    """The id under which gymnasium makes a family, e.g. meta_policy_search/HalfCheetahRandDirec-v0."""
    return f"meta_policy_search/{family.removesuffix('Env')}-v0"


def load_class(entry_point: str) -> type:
    """The class of "module:Class"."""
    module, _, name = entry_point.partition(":")
    return getattr(importlib.import_module(module), name)


for _family, _entry_point in FAMILIES.items():
    if gymnasium_id(_family) not in gymnasium.registry:
        gymnasium.register(gymnasium_id(_family), _entry_point)
