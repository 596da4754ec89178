"""What counts as a change of an attribute that was read."""

import dataclasses
import functools
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.utils.attribute_reads import AttributeReads


class Part:
    """A helper object of a computation."""

    kind = "plain"

    def __init__(self):
        self.value = 1.0

    @property
    def twice(self) -> float:
        return 2 * self.value


class Slotted:
    __slots__ = ("value",)

    def __init__(self):
        self.value = 1


@dataclasses.dataclass(frozen=True)
class Settings:
    rate: float = 0.1


class Owner(tf.Module):
    """Has attributes of many kinds."""

    def __init__(self):
        super().__init__()
        self.number, self.word, self.nothing = 1.0, "tanh", None
        self.items, self.pair, self.table = [1, 2], (1, 2), {"a": 1}
        self.array, self.names = np.zeros(3), {"x", "y"}
        self.part, self.parts, self.slotted, self.settings = Part(), [Part()], Slotted(), Settings()
        self.weight = tf.Variable(1.0)
        self.function, self.partial = abs, functools.partial(max, 1)
        self.space = SimpleNamespace(low=0.0)

    def read_all(self) -> None:
        for name in [name for name in vars(self) if not name.startswith("_")]:
            getattr(self, name)
        assert self.part.twice == 2 * self.parts[0].value
        assert (self.part.kind, self.slotted.value, self.settings.rate, self.space.low) != ()


@pytest.fixture
def owner() -> Owner:
    return Owner()


def reads_of(owner: Owner) -> AttributeReads:
    with AttributeReads.of(owner) as reads:
        owner.read_all()
    return reads


CHANGES = {
    "Owner.number": lambda o: setattr(o, "number", 2.0),
    "Owner.word": lambda o: setattr(o, "word", "relu"),
    "Owner.nothing": lambda o: setattr(o, "nothing", 0),
    "Owner.items": lambda o: o.items.append(3),
    "Owner.pair": lambda o: setattr(o, "pair", (1, 3)),
    "Owner.table": lambda o: o.table.update(a=2),
    "Owner.array": lambda o: o.array.__setitem__(0, 1.0),
    "Owner.names": lambda o: o.names.add("z"),
    "Owner.weight": lambda o: setattr(o, "weight", tf.Variable(1.0)),
    "Owner.function": lambda o: setattr(o, "function", max),
    "Owner.partial": lambda o: setattr(o, "partial", functools.partial(max, 2)),
    "Owner.settings.rate": lambda o: setattr(o, "settings", Settings(0.2)),
    "Part.value": lambda o: setattr(o.part, "value", 2.0),
    "Part.kind": lambda o: setattr(o.part, "kind", "odd"),
    "Slotted.value": lambda o: setattr(o.slotted, "value", 2),
    "Owner.space": lambda o: setattr(o.space, "low", 1.0),
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_is_seen_and_named(owner, path):
    reads = reads_of(owner)
    assert reads.changed() == []
    CHANGES[path](owner)
    assert reads.changed() == [path]


def test_a_change_inside_an_object_of_a_list_is_seen(owner):
    reads = reads_of(owner)
    owner.parts[0].value = 3.0
    assert reads.changed() == ["Part.value"]


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (0.0, -0.0), (1, 1.0), ([1], (1,)), (np.zeros(2), np.zeros((2, 1))), (b"a", "a")]
)
def test_values_that_are_equal_but_not_the_same_to_a_graph_differ(owner, before, after):
    owner.number = before
    reads = reads_of(owner)
    owner.number = after
    assert reads.changed() == ["Owner.number"]


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), [1, 2], (1, (2, None)), {"a": {"b": 1}}, np.arange(3)])
def test_an_equal_value_is_no_change(owner, value):
    owner.number = value
    reads = reads_of(owner)
    owner.number = {**value} if isinstance(value, dict) else np.copy(value) if isinstance(value, np.ndarray) else value
    assert reads.changed() == []


def test_an_equal_dataclass_is_no_change(owner):
    reads = reads_of(owner)
    owner.settings = Settings(0.1)
    assert reads.changed() == []
    owner.settings = None
    assert reads.changed() == ["Owner.settings.rate"]


def test_a_variable_that_is_assigned_is_no_change(owner):
    reads = reads_of(owner)
    owner.weight.assign(2.0)
    assert reads.changed() == []


def test_what_was_not_read_does_not_count(owner):
    with AttributeReads.of(owner) as reads:
        assert owner.number == 1.0
    owner.word, owner.part.value = "relu", 5.0
    assert reads.changed() == []


def test_an_attribute_that_was_missing_and_is_there_now_is_a_change(owner):
    with AttributeReads.of(owner) as reads:
        assert getattr(owner, "temperature", 1.0) == 1.0
    assert reads.changed() == []
    owner.temperature = 2.0
    assert reads.changed() == ["Owner.temperature"]


@pytest.mark.parametrize("fails", [False, True])
def test_the_classes_are_as_before_afterwards(owner, fails):
    before = [Owner.__getattribute__, Part.__getattribute__, "__getattribute__" in vars(Part)]
    with pytest.raises(ZeroDivisionError) if fails else AttributeReads.of(owner), AttributeReads.of(owner):
        owner.read_all()
        assert Part.__getattribute__ != before[1]
        if fails:
            raise ZeroDivisionError
    assert [Owner.__getattribute__, Part.__getattribute__, "__getattribute__" in vars(Part)] == before
