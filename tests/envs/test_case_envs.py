"""What becomes of other people's environments: they train with their own numbers, or are refused in one sentence."""

import enum
import threading
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from gymnasium.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Tuple
from gymnasium.wrappers import OrderEnforcing, RecordEpisodeStatistics, TimeLimit

from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.normalized_env import normalize, scale_actions
from meta_policy_search.envs.single_env import SingleEnv
from meta_policy_search.envs.spaces import is_bounded
from meta_policy_search.policies.export import scaled
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError
from meta_policy_search.types import Trajectories
from tests.envs import case_envs
from tests.envs.case_envs import Base, acting, having, later, observing, raising, returning, tasks_of

INF, F32, F64 = np.inf, np.float32, np.float64
HALF = np.array([0.5, -0.5])


def box(low, high, dtype, size=2):
    return Box(low, high, (size,), dtype)


def sampled(make, parallel=False, steps=4):
    """A sampler with 2 tasks of 2 rollouts, and a round of it."""
    envs = normalize(GymnasiumVectorEnv(make=make, parallel=parallel))
    settings = {"obs_dim": envs.observation_space.shape, "hidden_sizes": (4,), "rng": np.random.default_rng(0)}
    if isinstance(envs.action_space, Discrete):
        policy = MetaCategoricalMLPPolicy(n_actions=int(envs.action_space.n), **settings)
    else:
        policy = MetaGaussianMLPPolicy(action_dim=envs.action_space.shape[0], init_std=8.0, **settings)
    sampler = MetaSampler(envs, policy, rollouts_per_meta_task=2, meta_batch_size=2, max_path_length=steps)
    rng = np.random.default_rng(0)
    try:
        sampler.update_tasks(rng)
        trajectories, _ = sampler.obtain_samples(policy.stacked_theta(2), rng)
        diagnostics = sampler.diagnostics(trajectories)
    finally:
        sampler.close()
    return sampler, trajectories, diagnostics


def trajectories_of(make, **settings) -> Trajectories:
    return sampled(make, **settings)[1]


class Pair(NamedTuple):
    """A task that is a named tuple."""

    x: float
    y: float


class Direction(enum.Enum):
    """A task that is an object."""

    LEFT, RIGHT = 0, 1


class Goal:
    """A task that is an object of one's own."""


TRAIN = {
    "base": Base,
    "strict": case_envs.Strict,
    "task before reset": case_envs.TaskFirst,
    "reset before the tasks": case_envs.ResetFirst,
    "reset without seed": case_envs.NoSeed,
    "reset of any keywords": case_envs.OnlyKeywords,
    "reset with seed only": case_envs.SeedOnly,
    "four values": case_envs.FourValues,
    "no base class": case_envs.Plain,
    "no base class, old": case_envs.PlainOld,
    "wrapper, keywords": case_envs.KeywordWrapper,
    "wrapper, keywords, old": case_envs.OldKeywordWrapper,
    "wrapper, super": case_envs.SuperWrapper,
    "wrapper with tasks around old": case_envs.TaskWrapper,
    "wrapper, old": case_envs.OldWrapper,
    "wrapper made by a function": lambda: case_envs.TaskWrapper(Base()),
    "gymnasium's wrapper": lambda: TimeLimit(Base(), 3),
    "gymnasium's wrappers around old": lambda: RecordEpisodeStatistics(TimeLimit(OrderEnforcing(case_envs.NoSeed()), 3)),
    "gymnasium's wrapper around four values": lambda: TimeLimit(case_envs.FourValues(), 3),
    "gymnasium's wrapper around a wrapper": lambda: TimeLimit(case_envs.OldWrapper(), 3),
    "reset returns None as info": having(reset=lambda self, seed=None: (Base.reset(self, seed=seed)[0], None)),
    "reward array": returning(reward=np.array([2.0])),
    "reward array without axes": returning(reward=np.array(2.0, F32)),
    "reward whole": returning(reward=2),
    "reward bool": returning(reward=True),
    "reward numpy": returning(reward=np.float16(2)),
    "reward Decimal": returning(reward=Decimal(2)),
    "reward Fraction": returning(reward=Fraction(2)),
    "ends numpy": returning(terminated=np.bool_(False), truncated=np.array([False])),
    "ends whole": returning(terminated=0, truncated=np.int64(0)),
    "info None": returning(info=None),
    "info list": returning(info=[1, 2]),
    "info str": returning(info="fine"),
    "info with names that are no words": returning(info={1: 2.0, ("a",): 3.0, None: 1.0, "": 1.0}),
    "info huge": returning(info={"count": 10**400}),
    "info with anything": returning(info={"a": None, "b": "x", "c": [1], "d": {"e": 1.0}, "f": HALF, "g": object()}),
    "tasks bool": tasks_of(True, False),
    "tasks numpy bool": tasks_of(np.bool_(True), np.bool_(False)),
    "tasks str": tasks_of("left", "right"),
    "tasks tuple": tasks_of((0, 1), (1, 0)),
    "tasks list": tasks_of([0.5, [1]], [1.5, [2, 3]]),
    "tasks dict": tasks_of({"goal": (0, "a"), "on": True}, {"goal": (1, "b"), "on": False}),
    "tasks None": tasks_of(None),
    "tasks mixed": tasks_of(None, 1, "two", (3,)),
    "tasks named tuples": tasks_of(Pair(0.0, 1.0)),
    "tasks enum": tasks_of(Direction.LEFT, Direction.RIGHT),
    "tasks objects": tasks_of(Goal(), Goal()),
    "tasks of one array": having(sample_tasks=lambda self, n: self.np_random.uniform(size=(n, 3))),
    "tasks of an array of words": having(sample_tasks=lambda self, n: np.array(["left", "right"])[np.arange(n) % 2]),
    "tasks of a generator": having(sample_tasks=lambda self, n: (i for i in range(n))),
    "tasks of a tuple": having(sample_tasks=lambda self, n: tuple(range(n))),
}


@pytest.mark.parametrize("make", TRAIN.values(), ids=TRAIN.keys())
def test_it_trains_and_the_same_seed_gives_the_same_numbers(make):
    first, second = trajectories_of(make), trajectories_of(make)
    assert first.mask.all()
    np.testing.assert_array_equal(first.observations, second.observations)
    np.testing.assert_array_equal(first.rewards, second.rewards)


@pytest.mark.parametrize(
    "name", ["reset of any keywords", "wrapper, old", "gymnasium's wrappers around old", "no base class, old"]
)
def test_environments_without_a_seed_are_seeded_nevertheless(name):
    observations = trajectories_of(TRAIN[name]).observations[:, :, 0].reshape(4, -1)
    assert len(np.unique(observations, axis=0)) == 4


def test_rewards_of_any_kind_keep_their_value():
    for name in (name for name in TRAIN if name.startswith("reward") and name != "reward bool"):
        assert (trajectories_of(TRAIN[name]).rewards == 2).all()


ACTIONS = {
    "float16": box(-1, 1, np.float16),
    "float32": box(np.array([-1, 0]), np.array([3, 0.1]), F32),
    "float64": box(-0.3, 0.1, F64),
    "a single value": box(2, 2, F32),
    "int64": box(-1, 1, np.int64),
    "int8": box(-128, 127, np.int8),
    "uint8": box(0, 255, np.uint8),
    "int32": box(np.array([-3, 0]), np.array([5, 1]), np.int32),
    "bool": box(0, 1, np.bool_),
    "Discrete": Discrete(3),
    "Discrete from 5": Discrete(3, start=5),
    "Discrete from -4": Discrete(3, start=-4),
    "Discrete int32": Discrete(3, dtype=np.int32),
}


@pytest.mark.parametrize("space", ACTIONS.values(), ids=ACTIONS.keys())
def test_actions_are_elements_of_the_space_and_of_its_type(space):
    make, made = acting(space), []
    trajectories = trajectories_of(lambda: made.append(make()) or made[-1])
    seen = np.array([action for env in made for action in getattr(env, "seen", [])])
    assert seen.dtype == space.dtype
    if isinstance(space, Discrete):
        assert set(seen.tolist()) == set(range(int(space.start), int(space.start) + 3))
        return
    actions = np.sort(scale_actions(trajectories.actions.reshape(-1, 2), space).astype(space.dtype), axis=0)
    np.testing.assert_array_equal(np.sort(seen, axis=0), actions)
    in_tensorflow = scaled(tf.constant(trajectories.actions.reshape(-1, 2)), space).numpy()
    assert in_tensorflow.dtype == space.dtype
    np.testing.assert_array_equal(np.sort(in_tensorflow, axis=0), actions)


def test_whole_numbers_are_rounded_to_the_nearest():
    actions = np.array([[-10.0, -10.0], [-5.1, -4.9], [4.9, 5.1], [99.0, 10.0]])
    assert scale_actions(actions, box(-1, 1, np.int64)).tolist() == [[-1, -1], [-1, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("dtype", "low", "high", "bounded"),
    [
        (F64, -1e30, 1e30, True),
        (F64, np.finfo(F64).min, np.finfo(F64).max, False),
        (F64, -1, np.finfo(F32).max, False),
        (F32, np.finfo(F32).min, 1, False),
        (F32, -INF, 1, False),
        (np.float16, -1, np.finfo(np.float16).max, False),
        (np.int64, np.iinfo(np.int64).min, np.iinfo(np.int64).max, False),
        (np.int64, -(2**40), 2**40, True),
        (np.int32, 0, np.iinfo(np.int32).max, False),
        (np.uint32, 0, 1000, True),
        (np.uint8, 0, 255, True),
    ],
)
def test_bounds_at_the_end_of_a_type_are_none(dtype, low, high, bounded):
    assert is_bounded(box(low, high, dtype)) == bounded


OBSERVATIONS = {
    "fractions in whole numbers": (box(-10, 10, np.int64), HALF, HALF),
    "negative in uint8": (box(0, 255, np.uint8), np.array([-1, 300]), [-1, 300]),
    "float64 in float32": (box(-1, 1, F32), np.array([0.1, 0.2]), [0.1, 0.2]),
    "out of bounds": (box(-1, 1, F32), np.array([7.0, 8.0]), [7, 8]),
    "whole in floats": (box(-1, 1, F32), np.array([7, 8]), [7, 8]),
    "bool": (MultiBinary(2), np.array([True, False]), [1, 0]),
    "list": (box(-1, 1, F32), [0.5, 1], [0.5, 1]),
    "tuple": (box(-1, 1, F32), (0.5, 1), [0.5, 1]),
    "a picture": (Box(0, 255, (2, 1, 2), np.uint8), np.array([[[1, 2]], [[3, 4.5]]]), [[[1, 2]], [[3, 4.5]]]),
    "a number": (Box(-1, 1, (), F32), 0.5, [0.5]),
    "Discrete": (Discrete(3), 1, [0, 1, 0]),
    "Discrete from 5": (Discrete(3, start=5), np.int32(7), [0, 0, 1]),
    "MultiDiscrete": (MultiDiscrete([2, 3]), [1, 2], [0, 1, 0, 0, 1]),
    "Dict": (Dict(b=box(0, 9, np.int64), a=Discrete(2)), {"a": 1, "b": HALF}, [0.5, -0.5, 0, 1]),
    "Tuple": (Tuple([Discrete(2), box(0, 9, np.uint8)]), (0, [-1, 2]), [1, 0, -1, 2]),
}


@pytest.mark.parametrize(("space", "observation", "seen"), OBSERVATIONS.values(), ids=OBSERVATIONS.keys())
def test_observations_keep_their_numbers(space, observation, seen):
    observations = trajectories_of(observing(space, observation)).observations
    np.testing.assert_array_equal(observations, np.broadcast_to(np.array(seen, F32), observations.shape))


REFUSED_AT_ONCE = {
    "no action space": (case_envs.NoAttribute, "it has no action_space"),
    "no observation space": (case_envs.NoObservation, "it has no observation_space"),
    "action space None": (having(action_space=None), "its space None is neither a box nor discrete"),
    "a class for a space": (having(action_space=Box), "is neither a box nor discrete"),
    "Box of any number": (acting(box(-INF, INF, F32)), "it must have finite bounds"),
    "Box of all floats": (acting(box(np.finfo(F64).min, np.finfo(F64).max, F64)), "it must have finite bounds"),
    "Box without entries": (acting(Box(-1, 1, (0,), F32)), "it must be a Discrete or a one-dimensional Box"),
    "Box without axes": (acting(Box(-1, 1, (), F32)), "it must be a Discrete or a one-dimensional Box"),
    "Box with two axes": (acting(Box(-1, 1, (2, 2), F32)), "it must be a Discrete or a one-dimensional Box"),
    "buttons": (acting(MultiBinary(3)), "it must be a Discrete or a one-dimensional Box"),
    "dials": (acting(MultiDiscrete([2, 2])), "it must be a Discrete or a one-dimensional Box"),
    "actions in a Dict": (acting(Dict(a=Discrete(2))), "it must be a Discrete or a one-dimensional Box"),
    "words": (observing(Sequence(Discrete(2)), ()), "can't be flattened"),
    "a graph": (observing(Graph(box(0, 1, F32), None), None), "can't be flattened"),
    "nothing to see": (observing(Box(0, 1, (0,), F32), []), "can't be flattened"),
    "no tasks": (gymnasium.Env, "it has no sample_tasks; meta-training needs sample_tasks, set_task, get_task"),
    "a factory that forgets": (case_envs.forgot_to_return, "it made None, no environment"),
    "a factory of a class": (lambda: Base, "it made the class Base, no environment"),
    "a factory of something else": (lambda: "Base", "it made a str, no environment"),
    "an object": (Base(), "it is a Base, not a class or a function that makes environments"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED_AT_ONCE.values(), ids=REFUSED_AT_ONCE.keys())
def test_what_can_not_be_used_is_refused_before_training(make, words):
    with pytest.raises(ValueError, match=words) as error:
        GymnasiumVectorEnv(make=make, parallel=False)
    assert "\n" not in str(error.value)


STEP, RESET = "step of the environment returned ", "reset of the environment returned "
REFUSED = {
    "too short": (observing(box(-1, 1, F32), np.zeros(1)), RESET + r"an observation of shape \[1\]; .* has \[2\]"),
    "a row": (observing(box(-1, 1, F32), np.zeros((1, 2))), RESET + r"an observation of shape \[1, 2\]; .* has \[2\]"),
    "no axes": (observing(box(-1, 1, F32, 1), 0.5), RESET + r"an observation of shape \[\]; .* has \[1\]"),
    "None": (observing(box(-1, 1, F32), None), RESET + "None as observation, not numbers"),
    "words": (observing(box(-1, 1, F32), ["a", "b"]), RESET + "a list of 2 as observation, not numbers"),
    "complex": (observing(box(-1, 1, F32), HALF * 1j), RESET + r"an array of shape \[2\] and type complex128 as obs"),
    "ragged": (observing(box(-1, 1, F32), [[1], [2, 3]]), RESET + "a list of 2 as observation, not numbers"),
    "a dict": (observing(box(-1, 1, F32), {"a": 1}), RESET + "a dict of 1 as observation, not numbers"),
    "not of Discrete": (observing(Discrete(3), 3), RESET + "an observation 3 that is not in Discrete"),
    "negative of Discrete": (observing(Discrete(3), -1), RESET + "an observation -1 that is not in Discrete"),
    "half of Discrete": (observing(Discrete(3), 0.5), RESET + "an observation 0.5 that is not in Discrete"),
    "a part is missing": (observing(Dict(a=Discrete(2), b=Discrete(2)), {"a": 1}), RESET + "a dict of 1 as .* with a, b"),
    "a part too many": (observing(Tuple([Discrete(2)]), (1, 1)), RESET + "a tuple of 2 as observation, not a tuple of 1"),
    "reward None": (returning(reward=None), STEP + "None as reward, not a number"),
    "reward word": (returning(reward="1.0"), STEP + "a str as reward, not a number"),
    "reward of two": (returning(reward=np.zeros(2)), STEP + r"an array of shape \[2\] and type float64 as reward"),
    "reward complex": (returning(reward=1j), STEP + "a complex as reward, not a number"),
    "reward huge": (returning(reward=10**400), STEP + "an int as reward, too large for a float"),
    "reward NaN": (returning(reward=float("nan")), "NaN or infinite rewards of Having at time step 0"),
    "observation NaN": (
        observing(box(-1, 1, F32), HALF * np.nan),
        "NaN or infinite observations of Observing at time step 0",
    ),
    "observation huge": (observing(box(-1, 1, F32), HALF * 1e300), "NaN or infinite observations of Observing"),
    "end word": (returning(terminated="False"), STEP + "a str as terminated, not a number"),
    "end None": (returning(truncated=None), STEP + "None as truncated, not a number"),
    "ends of two": (returning(terminated=np.zeros(2, bool)), STEP + r"an array of shape \[2\] and type bool as terminated"),
    "three values": (having(step=lambda self, action: (self.position, 0.0, False)), STEP + "a tuple of 3; it must be"),
    "no values": (having(step=lambda self, action: None), STEP + "None; it must be"),
    "one task": (having(sample_tasks=lambda self, n: [0.0]), r"sample_tasks\(2\) of the environment returned 1 tasks"),
    "tasks None": (
        having(sample_tasks=lambda self, n: [0] if n == 1 else None),
        "returned None; it must be",
    ),
    "tasks dict": (having(sample_tasks=lambda self, n: [0] if n == 1 else {1: 2, 3: 4}), "returned a dict of 2; it must be"),
    "tasks set": (having(sample_tasks=lambda self, n: [0] if n == 1 else {1, 2}), "returned a set of 2; it must be"),
    "tasks str": (having(sample_tasks=lambda self, n: [0] if n == 1 else "ab"), "returned a str; it must be"),
    "tasks number": (having(sample_tasks=lambda self, n: [0] if n == 1 else np.array(3)), "returned an array .* it must be"),
    "diagnostics None": (
        having(diagnostics=lambda self, t: None),
        "diagnostics .* returned None, not a dict",
    ),
    "diagnostics word": (having(diagnostics=lambda self, t: {"a": "b"}), "diagnostics .* returned a str as a, not a number"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_values_of_another_shape_or_kind_stop_the_run_in_one_sentence(make, words):
    with pytest.raises(SamplingError, match=words) as error:
        sampled(make)
    assert "\n" not in str(error.value)


def test_a_refused_value_names_its_task():
    sometimes = having(
        observation=lambda self: np.zeros(2 if self.goal == "good" else 3),
        sample_tasks=lambda self, n: ["good", "bad"][:n],
    )
    with pytest.raises(SamplingError, match=r"shape \[3\]; .* in 1 of 2 tasks \(slot 1: bad\)"):
        sampled(sometimes)


INFOS = {
    "word later": later(1.0, "far"),
    "None later": later(1.0, None),
    "array later": later(1.0, HALF),
    "number later": later("far", 1.0),
    "huge later": later(1.0, 10**400),
    "dict later": later(1.0, {"a": 1}),
    "underscore": having(info=lambda self: {"distance": 1.0, "_distance": "x", "infos": 2}),
    "missing later": having(info=lambda self: {"distance": 1.0} | ({"odd": 1.0} if self.time < 3 else {})),
}


@pytest.mark.parametrize("parallel", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_info_is_kept_as_long_as_it_is_a_number_everywhere(parallel):
    for name, make in INFOS.items() if not parallel else [("underscore", INFOS["underscore"])]:
        infos = trajectories_of(make, parallel=parallel).env_infos
        assert set(infos) == ({"distance", "infos"} if name == "underscore" else {"distance"}), name
        assert (infos["distance"] == 1).all()
    kept = trajectories_of(having(info=lambda self: {"a": 2, "b": True, "c": np.float32(3), "d": np.array(4), "e": 1j}))
    assert {name: float(values.max()) for name, values in kept.env_infos.items()} == {"a": 2, "b": 1, "c": 3, "d": 4}


SENTENCES = {
    "runtime": r"RuntimeError \(the arm fell off\)",
    "os": r"FileNotFoundError \(\[Errno 2\] No such file or directory: 'terrain.npy'\)",
    "broken pipe": r"BrokenPipeError \(\[Errno 32\] Broken pipe\)",
    "eof": r"EOFError \(nothing more\)",
    "exit": r"SystemExit \(3\)",
    "stop": r"StopIteration \(over\)",
    "generator exit": "GeneratorExit",
    "key": r"KeyError \('arm'\)",
    "lines": r"RuntimeError \(one two three\)",
    "empty": "AssertionError",
    "long": r"ValueError \(x{296} \.\.\.\)",
    "memory": r"MemoryError \(too much\)",
    "unprintable": "Unprintable",
    "needy": r"Needy \(this and that\)",
    "not implemented": "NotImplementedError",
    "unicode": "RuntimeError",
}


@pytest.mark.parametrize("error", SENTENCES)
@pytest.mark.parametrize("method", ["step", "reset", "set_task"])
def test_whatever_is_raised_is_one_sentence_and_the_environments_own_traceback(method, error):
    with pytest.raises((SamplingError, SimulationError), match=f"^the environment raised {SENTENCES[error]}") as failure:
        sampled(raising(method, error))
    assert "\n" not in str(failure.value)
    if method == "step":
        assert str(failure.value).endswith(" in 1 of 2 tasks (slot 0: good)")
    assert_own_traceback(failure.value, method)


def assert_own_traceback(error, method):
    notes = [note for link in chain(error) for note in getattr(link, "__notes__", [])]
    assert len(notes) == 1
    lines = notes[0].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "tests/envs/case_envs.py" in lines[1]
    assert f"in {method}" in lines[1]


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__


@pytest.mark.parametrize("method", ["__init__", "sample_tasks", "set_task", "action_space", "observation_space"])
def test_what_is_raised_from_the_start_is_reported_before_training(method):
    with pytest.raises(SimulationError, match=r"^the environment raised RuntimeError \(the arm fell off\)") as failure:
        GymnasiumVectorEnv(make=raising(method), parallel=False)
    assert_own_traceback(failure.value, method)


@pytest.mark.parametrize("method", ["diagnostics", "close"])
@pytest.mark.parametrize("parallel", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_diagnostics_and_close_are_code_of_the_environment_too(method, parallel):
    with pytest.raises((SamplingError, SimulationError), match="the environment raised StopIteration") as failure:
        sampled(raising(method, "stop"), parallel)
    assert_own_traceback(failure.value, method)


def test_rendering_is_code_of_the_environment_too():
    with pytest.raises(SimulationError, match="the environment raised KeyError") as failure:
        SingleEnv(raising("render", "key")).render()
    assert_own_traceback(failure.value, "render")


@pytest.mark.slow
@pytest.mark.parametrize("error", ["os", "exit", "unprintable", "needy", "broken pipe", "lines"])
def test_a_worker_process_tells_the_same(error):
    with pytest.raises(SamplingError, match=f"^the environment raised {SENTENCES[error]}") as failure:
        sampled(raising("step", error), parallel=True)
    assert_own_traceback(failure.value, "step")


@pytest.mark.slow
def test_a_worker_process_can_not_be_interrupted_by_its_environment():
    with pytest.raises(SamplingError, match=r"^the environment raised KeyboardInterrupt in 1 of 2 tasks"):
        sampled(raising("step", "interrupt"), parallel=True)


@pytest.mark.slow
@pytest.mark.parametrize("task", [lambda: lambda: 1, threading.Lock, lambda: {"goal": (1, threading.Lock())}])
def test_tasks_that_no_process_can_be_sent_ask_for_no_parallel(task):
    make = having(sample_tasks=lambda self, n: [task() for _ in range(n)])
    assert trajectories_of(make).mask.all()
    with pytest.raises(SamplingError, match=r"can't be sent to a worker process: .*; --no_parallel"):
        sampled(make, parallel=True)


def test_a_factory_that_no_process_can_be_sent_says_so():
    lock = threading.Lock()
    with pytest.raises(SamplingError, match="what makes the environment can't be sent to a worker process: TypeError"):
        sampled(lambda: Base() if lock else None, parallel=True)


def test_a_factory_whose_environments_differ_is_refused():
    made = []

    def make():
        made.append(acting(Discrete(2 + len(made) // 4))())
        return made[-1]

    with pytest.raises(SamplingError, match=r"spaces differ from one to the next: \[2\] and Discrete"):
        sampled(make)


def test_attributes_that_a_wrapper_sets_reach_what_it_wraps():
    env = SingleEnv(lambda: case_envs.TaskWrapper(Base()))
    env.set_task(0.5)
    assert env.unwrapped.length == env.unwrapped.goal == 0.5
    assert isinstance(env.unwrapped, Base)
