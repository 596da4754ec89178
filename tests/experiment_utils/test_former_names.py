"""What users imported by former names still is where it was."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("former", "name", "now"),
    [
        ("trained", "load_trained", "evaluation.trained_policy"),
        ("run_data", "load_runs", "runs.results"),
        ("curves", "mean_curve", "runs.curves"),
        ("run_sweep", "Run", "runs.run_spec"),
        ("config", "ConfigError", "validation"),
        ("config", "load_config", "config_files"),
    ],
)
def test_former_imports_still_work(former, name, now):
    modules = (importlib.import_module(f"experiment_utils.{module}") for module in (former, now))
    assert len({getattr(module, name) for module in modules}) == 1
