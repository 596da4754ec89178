"""Compiles a model of gymnasium's assets, with the physics of today or of the paper's time.

Three rules of MuJoCo 2.1.0 and before differ from today's: a capsule of length L and radius r had the mass and inertia of a
cylinder of length L + r (the exact ones since 2.1.2); the contact margin of a pair of geoms was the larger of their margins
(their sum since 3.5); and at equal tolerance the constraint solver now and then did an iteration more than today's, which a
tolerance of 1e-10 makes up for. With all put back, one environment step of MuJoCo 3.17.0 agrees with 2.1.0 to rounding
(tests/envs/test_mujoco_physics.py, and test_legacy_engine.py with mujoco-py itself).
"""

from pathlib import Path

import gymnasium.envs.mujoco
import mujoco
import numpy as np

from meta_policy_search.choices import Physics

SOLVER_TOLERANCE = 1e-10  # of paper physics

ASSETS = Path(gymnasium.envs.mujoco.__file__).parent / "assets"


def load_spec(xml: str) -> mujoco.MjSpec:
    """The model description of one of gymnasium's XML files."""
    return mujoco.MjSpec.from_file(str(ASSETS / xml))


def add_contact_forces(spec: mujoco.MjSpec) -> None:
    """Adds an accelerometer, for the sake of which MuJoCo computes the contact forces `cfrc_ext`, as 1.50 always did.

    They are those of the last mj_forward; under RK4, of the first stage of the last sub-step.
    """
    spec.worldbody.add_site(name="contact_forces", group=5)  # a group that isn't drawn
    spec.add_sensor(
        name="contact_forces",
        type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
        objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname="contact_forces",
    )


def compile_model(spec: mujoco.MjSpec, physics: Physics) -> mujoco.MjModel:
    """The compiled model under the physics of the paper or of today."""
    total_mass = spec.compiler.settotalmass
    spec.compiler.settotalmass = -1  # applied below: the compiler prints a deprecation warning at each use
    model = spec.compile()
    if physics == "paper":
        _restore_capsule_inertia(model, [geom.density for geom in spec.geoms])
        model.geom_margin[:] /= 2
        model.opt.tolerance = min(model.opt.tolerance, SOLVER_TOLERANCE)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    if total_mass > 0:
        mujoco.mj_setTotalmass(model, total_mass)
        mujoco.mj_setConst(model, mujoco.MjData(model))
    return model


def _restore_capsule_inertia(model: mujoco.MjModel, density: list[float]) -> None:
    """Recomputes mass, centre and principal inertia of each body that has a capsule, as MuJoCo 2.1.0 did.

    The principal axes of a body of one geom are the geom's: those across a capsule have equal moments, so another choice
    of them would be the same body, until a task scales each moment by itself.
    """
    for body in range(1, model.nbody):
        geoms = np.flatnonzero(model.geom_bodyid == body)
        if not np.any(model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_CAPSULE):
            continue
        if len(geoms) == 1:
            geom = geoms[0]
            mass, moments = _geom_moments(model, geom, density[geom])
            model.body_mass[body], model.body_inertia[body] = mass, moments
            model.body_ipos[body], model.body_iquat[body] = model.geom_pos[geom], model.geom_quat[geom]
            continue
        parts = [_geom_inertia(model, geom, density[geom]) for geom in geoms.tolist()]
        mass = sum(m for m, _, _ in parts)
        centre = sum(m * position for m, position, _ in parts) / mass
        inertia = sum(tensor + m * _parallel_axis(position - centre) for m, position, tensor in parts)
        moments, axes = np.linalg.eigh(inertia)
        moments, axes = moments[::-1], axes[:, ::-1]  # MuJoCo keeps them descending
        axes = axes * [1, 1, np.sign(np.linalg.det(axes))]
        model.body_mass[body], model.body_ipos[body], model.body_inertia[body] = mass, centre, moments
        mujoco.mju_mat2Quat(model.body_iquat[body], np.ascontiguousarray(axes).ravel())


def _geom_inertia(model: mujoco.MjModel, geom: int, density: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Mass [kg], centre [m] and inertia tensor [kg m^2] about it, in the body's frame."""
    mass, moments = _geom_moments(model, geom, density)
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, model.geom_quat[geom])
    rotation = matrix.reshape(3, 3)
    return mass, model.geom_pos[geom].copy(), rotation @ np.diag(moments) @ rotation.T


def _geom_moments(model: mujoco.MjModel, geom: int, density: float) -> tuple[float, np.ndarray]:
    """Mass [kg] and moments of inertia [3] in kg m^2, about the axes of the geom."""
    radius, half_length = model.geom_size[geom, :2]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE:
        length = 2 * half_length + radius
        mass = density * np.pi * radius**2 * length
        across = (3 * radius**2 + length**2) / 12
        moments = mass * np.array([across, across, radius**2 / 2])
    elif model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_SPHERE:
        mass = density * 4 / 3 * np.pi * radius**3
        moments = mass * np.full(3, 0.4 * radius**2)
    else:
        raise ValueError(f"geom {geom} is neither a capsule nor a sphere; paper physics knows no rule for it")
    return mass, moments


def _parallel_axis(offset: np.ndarray) -> np.ndarray:
    return offset @ offset * np.eye(3) - np.outer(offset, offset)
