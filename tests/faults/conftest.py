"""What the tests of whole runs share: one warm process that forks them, and a run that nothing happened to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runs import start
from tests.faults.zygote import Zygote


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory) -> Path:
    """The directory of a run that was left alone."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert start(zygote, folder, folder.with_name("log")).code == 0
    return folder
