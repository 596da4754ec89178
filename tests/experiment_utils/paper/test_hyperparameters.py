"""The page of hyper-parameters says what figure 2 and the run scripts do."""

import dataclasses

import pytest

from experiment_utils.algorithms import algorithm, algorithms
from experiment_utils.config import CHANGES_NO_NUMBER
from experiment_utils.paper import figure2
from experiment_utils.paper.experiments import FIGURE_2_ALGORITHMS, PANELS
from experiment_utils.paper.hyperparameters import changes, command, page
from experiment_utils.runs.run_spec import defaults_of


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
@pytest.mark.parametrize("name", FIGURE_2_ALGORITHMS)
def test_the_commands_are_the_runs_of_figure_2(panel, name):
    entry = algorithm(name)
    settings = {**defaults_of(entry.script), **changes(entry, panel)}
    wanted = {**entry.variant, **figure2.settings(panel, name, "paper", seed=1)}
    assert {key: settings[key] for key in wanted} == wanted


def test_the_page_has_every_setting_and_a_command_of_every_algorithm():
    text = page()
    for entry in algorithms():
        assert command(entry, PANELS[0]) in text
        for field in dataclasses.fields(entry.defaults):
            is_method = (
                field.name not in {"seed", "physics", "backend", "env_options"} and field.metadata != CHANGES_NO_NUMBER
            )
            assert not is_method or f"| `{field.name}` |" in text


def test_a_number_of_the_page_is_that_of_the_paper():
    """Hopper with random parameters: appendix of the original's configurations."""
    assert "--inner_lr 0.05 --num_promp_steps 3 --init_inner_kl_penalty 0.001" in command(algorithm("ProMP"), PANELS[2])
