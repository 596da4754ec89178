"""What fuzzing tries: any JSON, and files with bytes changed, lost, inserted and repeated."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FACTOR = int(os.environ.get("FUZZ", "1"))  # FUZZ=100 tries a hundred times as much

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def examples(number: int) -> settings:
    """That many inputs; fixtures may last for all of them."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number * FACTOR, deadline=None, suppress_health_check=quiet, derandomize=FACTOR == 1)


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes after one to four accidents."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        end = draw(st.integers(place, min(len(content), place + 40)))
        kind = draw(st.sampled_from(["change", "lose", "repeat", "cut", "append"]))
        if kind == "change":
            content = content[:place] + draw(st.binary(max_size=end - place)) + content[end:]
        elif kind == "lose":
            content = content[:place] + content[end:]
        elif kind == "repeat":
            content = content[:end] + content[place:end] + content[end:]
        elif kind == "cut":
            content = content[:place]
        else:
            content += draw(st.binary(max_size=40))
    return content


@st.composite
def changed(draw: st.DrawFn, values: dict) -> dict:
    """The dict with some of its values replaced, some keys lost and some new."""
    values = dict(values)
    for key in draw(st.lists(st.sampled_from(sorted(values)) | st.text(max_size=8), max_size=3)):
        if draw(st.booleans()):
            values[key] = draw(JSON)
        else:
            values.pop(key, None)
    return values
