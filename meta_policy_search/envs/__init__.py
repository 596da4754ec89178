"""Task families. Importing this package registers them with gymnasium; `load_class` finds a class by "module:Class"."""

import importlib

import gymnasium

from meta_policy_search.envs.metaworld_tasks import FAMILIES as METAWORLD

_MUJOCO, _POINT = "meta_policy_search.envs.mujoco_envs", "meta_policy_search.envs.point_envs"
_GRID = "meta_policy_search.envs.grid_envs"

# name of the original -> where it lives
FAMILIES = {
    "HalfCheetahRandDirecEnv": f"{_MUJOCO}.half_cheetah_rand_direc:HalfCheetahRandDirecEnv",
    "HalfCheetahRandVelEnv": f"{_MUJOCO}.half_cheetah_rand_vel:HalfCheetahRandVelEnv",
    "AntRandDirecEnv": f"{_MUJOCO}.ant_rand_direc:AntRandDirecEnv",
    "AntRandDirec2DEnv": f"{_MUJOCO}.ant_rand_direc_2d:AntRandDirec2DEnv",
    "AntRandGoalEnv": f"{_MUJOCO}.ant_rand_goal:AntRandGoalEnv",
    "Walker2DRandDirecEnv": f"{_MUJOCO}.walker2d_rand_direc:Walker2DRandDirecEnv",
    "Walker2DRandVelEnv": f"{_MUJOCO}.walker2d_rand_vel:Walker2DRandVelEnv",
    "Walker2DRandParamsEnv": f"{_MUJOCO}.walker2d_rand_params:Walker2DRandParamsEnv",
    "HopperRandParamsEnv": f"{_MUJOCO}.hopper_rand_params:HopperRandParamsEnv",
    "HumanoidRandDirecEnv": f"{_MUJOCO}.humanoid_rand_direc:HumanoidRandDirecEnv",
    "HumanoidRandDirec2DEnv": f"{_MUJOCO}.humanoid_rand_direc_2d:HumanoidRandDirec2DEnv",
    "SwimmerRandVelEnv": f"{_MUJOCO}.swimmer_rand_vel:SwimmerRandVelEnv",
    "MetaPointEnv": f"{_POINT}.point_env_2d:MetaPointEnv",
    "MetaPointEnvCorner": f"{_POINT}.point_env_2d_corner:MetaPointEnvCorner",
    "MetaPointEnvWalls": f"{_POINT}.point_env_2d_walls:MetaPointEnvWalls",
    "MetaPointEnvMomentum": f"{_POINT}.point_env_2d_momentum:MetaPointEnvMomentum",
    "MetaPointEnv1D": f"{_POINT}.point_env_1d:MetaPointEnv1D",
    "GridNavigationEnv": f"{_GRID}.grid_navigation:GridNavigationEnv",
}

# the same for what needs a package that is not installed by default
OPTIONAL_FAMILIES = {name: f"meta_policy_search.envs.metaworld_envs:{name}" for name in METAWORLD}
ALL_FAMILIES = {**FAMILIES, **OPTIONAL_FAMILIES}


def gymnasium_id(family: str) -> str:
    """The id under which gymnasium makes a family, e.g. meta_policy_search/HalfCheetahRandDirec-v0."""
    return f"meta_policy_search/{family.removesuffix('Env')}-v0"


def load_class(entry_point: str) -> type:
    """The class of "module:Class"."""
    module, _, name = entry_point.partition(":")
    return getattr(importlib.import_module(module), name)  # noqa: TID251, one of the package's


for _family, _entry_point in ALL_FAMILIES.items():
    if gymnasium_id(_family) not in gymnasium.registry:
        gymnasium.register(gymnasium_id(_family), _entry_point)
