"""What the tests of whole runs share: one warm process that forks them, and a run that nothing happened to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.forkserver import ForkServer
from tests.faults.runs import start


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="module")
def whole(server, tmp_path_factory) -> Path:
    """The directory of a run that was left alone."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert start(server, folder, folder.with_name("log")).code == 0
    return folder
