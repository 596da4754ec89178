"""What the package takes of spaces: actions that a policy can give, observations that become one array."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

WHOLE = "iub"  # kinds of numpy types whose values are whole numbers
LARGEST_WHOLE = 2.0**53  # up to here float64 has every whole number


def as_gymnasium_space(space: object) -> Space[Any]:
    """gymnasium's space of the same kind, by the attributes that the space has.

    Raises:
      ValueError: it is neither a box nor discrete.
    """
    if isinstance(space, Space):
        return space
    of_gym: Any = space
    if hasattr(space, "low") and hasattr(space, "high"):
        dtype = np.dtype(of_gym.dtype)
        return Box(np.asarray(of_gym.low, dtype), np.asarray(of_gym.high, dtype), of_gym.shape, dtype.type)
    if hasattr(space, "n"):
        return Discrete(int(of_gym.n), start=int(getattr(space, "start", 0)))
    raise ValueError(f"its space {space} is neither a box nor discrete")


def require_action_space(space: Space[Any]) -> Box | Discrete:
    """Return the space; raise ValueError if no policy of the package fits it."""
    if isinstance(space, Discrete):
        return space
    if not isinstance(space, Box) or len(space.shape) != 1 or space.shape[0] == 0:
        raise ValueError(f"its action space is {space}; it must be a Discrete or a one-dimensional Box")
    if not is_bounded(space):
        raise ValueError(f"its action space is {space}; it must have finite bounds, to which actions are scaled")
    return space


def is_bounded(space: Box) -> bool:
    """Whether the bounds mean something: the largest numbers of a type, written for want of infinity, don't."""
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    least, most = _unbounded(space.dtype)
    return bool((np.isfinite(low) & np.isfinite(high) & (least < low) & (high < most)).all())


def _unbounded(dtype: np.dtype) -> tuple[float, float]:
    """The bounds that stand for none, in a type."""
    if dtype.kind == "f":
        largest = float(min(np.finfo(dtype).max, np.finfo(np.float32).max))
        return -largest, largest
    if dtype.kind == "b" or dtype.itemsize < 4:  # every number of a small type is a sensible one
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return max(float(limits.min), -LARGEST_WHOLE) if limits.min else -np.inf, min(float(limits.max), LARGEST_WHOLE)


def require_observation_space(space: Space[Any]) -> None:
    """Raise ValueError for a space whose observations are not an array or vector of fixed size."""
    if not space.is_np_flattenable or 0 in _flat(space).shape:
        raise ValueError(f"its observation space {space} can't be flattened to a vector of fixed size")


def observation_box(space: Space[Any]) -> Box:
    """The Box of `observation_array`s, float64: whatever numbers an environment returns fit without a change."""
    flat = _flat(space)
    shape = _shape(space) or flat.shape
    low, high = (bound.astype(np.float64).reshape(shape) for bound in (flat.low, flat.high))
    return Box(low, high, shape, np.float64)


def _flat(space: Space[Any]) -> Box:
    flat = gymnasium.spaces.flatten_space(space)
    if not isinstance(flat, Box):
        raise ValueError(f"its observation space {space} can't be flattened to a vector of fixed size")
    return flat


def observation_array(space: Space[Any], observation: object) -> np.ndarray:
    """The observation as an array float64: of a Box in its shape, of other spaces a vector [O], as gymnasium flattens them.

    Discrete parts are one-hot. Numbers stay what they are, also those that the space's type can't hold. What has no axes
    becomes a vector of one.

    Raises:
      ValueError: it has another shape or other parts than the space, or is not made of numbers.
    """
    vector = _vector(space, observation)
    return vector.reshape(_shape(space) or vector.shape)


def _shape(space: Space[Any]) -> tuple[int, ...]:
    """Of the array that an observation becomes, where it is a shape of the space's own; () for a vector."""
    return space.shape if isinstance(space, Box | MultiBinary) else ()


def _vector(space: Space[Any], observation: object) -> np.ndarray:
    """The observation as a vector [O] float64."""
    match space:
        case Box() | MultiBinary():
            return _numbers(observation, space.shape)
        case Dict():
            parts: Any = observation
            if not hasattr(observation, "keys") or set(parts.keys()) != set(space.keys()):
                raise ValueError(f"{kind_of(observation)} as observation, not a dict with {', '.join(map(str, space))}")
            return np.concatenate([_vector(part, parts[name]) for name, part in space.items()])
        case Tuple():
            if not isinstance(observation, tuple | list) or len(observation) != len(space):
                raise ValueError(f"{kind_of(observation)} as observation, not a tuple of {len(space)}")
            pairs = zip(space, observation, strict=True)
            return np.concatenate([_vector(part, value) for part, value in pairs])
        case Discrete() | MultiDiscrete():
            return _one_hot(space, observation)
    return _numbers(gymnasium.spaces.flatten(space, observation), _flat(space).shape)


def number(value: object, name: str) -> float:
    """A real number, also as an array of one entry. `name` is what messages call it.

    Raises:
      ValueError: it is none, or a whole number beyond all floats.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and hasattr(value, "__float__"):
            return float(value)
    except OverflowError:
        raise ValueError(f"{kind_of(value)} as {name}, too large for a float") from None
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.size != 1:
        raise ValueError(f"{kind_of(value)} as {name}, not a number")
    return float(array.reshape(()))


def kind_of(value: object) -> str:
    """What a value is, for a message."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)} and type {value.dtype}"
    name = type(value).__name__
    size = f" of {len(value)}" if isinstance(value, tuple | list | dict | set) else ""
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}{size}"


def _numbers(value: object, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{kind_of(value)} as observation, not numbers")
    if array.shape != shape:
        raise ValueError(f"an observation of shape {list(array.shape)}; its observation_space has {list(shape)}")
    return array.astype(np.float64).ravel()


def _one_hot(space: Discrete | MultiDiscrete, value: object) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind in WHOLE and array.shape == space.shape:
        own = array.astype(space.dtype)[()]
        if (own == array).all() and space.contains(own):
            return np.asarray(gymnasium.spaces.flatten(space, own), np.float64)
    raise ValueError(f"an observation {value!r} that is not in {space}")
