"""The linter refuses what could execute code from a file that is anybody's; `make check` runs it over all modules."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def refused(code: str) -> bool:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "S,TID251",
        "--ignore",
        "S603",
        "--stdin-filename",
        "experiment_utils/x.py",
        "-",
    ]
    return subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, check=False).returncode == 1


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from torch import load",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "import joblib\njoblib.load(path)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import importlib\nimportlib.import_module(text)",
        "import tensorflow as tf\ntf.saved_model.load(path)",
    ],
)
def test_what_could_execute_a_file_is_refused(code):
    assert refused(code)


def test_harmless_calls_pass():
    assert not refused("import re\nimport subprocess\n\nre.compile(text)\nsubprocess.run(words, check=True)\n")
