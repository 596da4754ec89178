"""Baselines: equal environment steps, the same test tasks, and tables that say what the rows say."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from experiment_utils.paper import baselines, baselines_plot
from experiment_utils.paper.baselines import INNER, JOINT, MEMORY, META, METHODS, ORACLE, PPO, RANDOM, RL2, TRPO
from experiment_utils.paper.reproduce import Baselines
from experiment_utils.runs.results import InvalidRunError, RunDataWarning
from tests.experiment_utils.fake_runs import write_run


def rows_of(policy: str, seed: int, returns: dict[tuple[str, int, int], float]) -> pd.DataFrame:
    """Two tasks, 1 below and 1 above the given return."""
    rows: list[dict] = [
        {"policy": policy, "adapted by": how, "updates": updates, "rollouts": rollouts, "task": task, "return": value + sign}
        for (how, updates, rollouts), value in returns.items()
        for task, sign in enumerate((-1.0, 1.0))
    ]
    return pd.DataFrame(rows).assign(itr=1, seed=seed, env_steps=2e6)


def three_seeds() -> pd.DataFrame:
    tables = []
    for seed in (1, 2, 3):
        before = {(INNER, 0, 0): float(seed)}
        full = {**before, (INNER, 1, 5): seed + 1.0, (INNER, 1, 20): seed + 2.0, (INNER, 2, 40): seed + 3.0}
        full |= {(PPO, 0, 0): float(seed), (PPO, 1, 20): seed + 1.0, (PPO, 2, 40): seed + 4.0}
        full |= {(TRPO, 0, 0): float(seed), (TRPO, 1, 20): seed + 2.0, (TRPO, 2, 40): seed + 6.0}
        tables += [rows_of(META, seed, {key: value + 10 for key, value in full.items()})]
        tables += [rows_of(RANDOM, seed, full), rows_of(JOINT, seed, {key: value + seed for key, value in full.items()})]
        tables += [rows_of(ORACLE, seed, {(INNER, 0, 0): 30.0})]
        tables += [rows_of(RL2, seed, {(MEMORY, 0, 0): 0.0, (MEMORY, 0, 1): 5.0})]
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("budget", ["smoke", "quick", "paper"])
def test_all_methods_of_a_family_have_the_same_env_steps(tmp_path, budget):
    runs = baselines.runs(tmp_path, budget)
    assert len({run.folder for run in runs}) == len(runs)
    steps: dict[tuple, set] = {}
    for run in runs:
        values = run.settings
        sizes = ("meta_batch_size", "rollouts_per_meta_task", "max_path_length", "n_itr")
        total = np.prod([values[name] for name in sizes]) * (values.get("num_inner_grad_steps", 0) + 1)
        steps.setdefault((values["env"], values["seed"]), set()).add(int(total))
    assert all(len(totals) == 1 for totals in steps.values())
    assert len(steps) == {"smoke": 3, "quick": 5 + 5 + 3, "paper": 15}[budget]


def test_other_iterations_are_promps_and_the_env_steps_stay_equal(tmp_path):
    runs = Baselines(dump_path=tmp_path, n_itr=7, seeds=(1,), env=("momentum",)).runs()
    assert {baselines.method_of(run): run.settings["n_itr"] for run in runs} == {META: 7, JOINT: 14, ORACLE: 14, RL2: 7}


def test_only_the_oracle_sees_the_task_and_only_promp_adapts_in_training(tmp_path):
    runs = {baselines.method_of(run): run.settings for run in baselines.runs(tmp_path, "quick", [1], ["momentum"])}
    assert list(runs) == list(METHODS)
    assert [name for name, settings in runs.items() if settings.get("observe_task")] == [ORACLE]
    assert [name for name, settings in runs.items() if settings.get("num_inner_grad_steps")] == [META]


def test_methods_can_be_trained_alone(tmp_path):
    runs = baselines.runs(tmp_path, "quick", [1], ["momentum"], [ORACLE, JOINT])
    assert [baselines.method_of(run) for run in runs] == [ORACLE, JOINT]
    with pytest.raises(ValueError, match="baselines has no method 'PPO'; it has 'ProMP', 'all tasks'"):
        baselines.runs(tmp_path, "quick", methods=["PPO"])


@pytest.mark.parametrize("name", ["half_cheetah_vel", "HalfCheetahRandVelEnv"])
def test_families_go_by_either_name(tmp_path, name):
    assert baselines.chosen([name]) == ["half_cheetah_vel"]
    with pytest.raises(ValueError, match="baselines has no panel 'ant'; it has corner, momentum"):
        baselines.chosen([name, "ant"])


def test_the_interval_is_students_over_the_seeds_means():
    table = baselines_plot.of_seeds(three_seeds().query("policy == 'ProMP'"))
    assert table.loc[(INNER, 1, 20)].tolist() == [13.0, 14.0, 15.0]
    mean, low, high = baselines_plot.over_seeds(table.loc[(INNER, 1, 20)])
    expected = scipy.stats.t.interval(0.95, 2, loc=14.0, scale=1.0 / np.sqrt(3))
    np.testing.assert_allclose([mean, low, high], [14.0, *expected])


def test_the_tables_say_where_promp_is_better_seed_by_seed():
    data = {"corner": three_seeds()}
    returns = baselines_plot.returns_table(data).set_index("policy")
    assert returns.loc[META, "1 inner step, 20 rollouts"].startswith("14 ± 2.5")
    assert returns.loc[RANDOM, "training (10^6 env steps)"] == 0.0
    assert returns.loc[ORACLE, "PPO, 40 rollouts"] == "-"
    assert returns.loc[RANDOM, ["PPO, 40 rollouts", "TRPO, 40 rollouts"]].tolist() == ["6 ± 2.5", "8 ± 2.5"]
    assert returns.loc[RL2, ["not adapted", "memory, 1 rollouts"]].tolist() == ["0 ± 0", "5 ± 0"]
    found = baselines_plot.differences_table(data).set_index(["ProMP against", "adapted by"])
    against_random = found.loc[(RANDOM, "not adapted")]  # 10 in every seed
    assert (against_random["difference"], against_random["better"]) == (10.0, "ProMP")
    against_joint = found.loc[(JOINT, "PPO, 40 rollouts")]  # 9, 8, 7
    np.testing.assert_allclose(
        [against_joint["difference"], against_joint["95 % low"]], [8.0, 8 - 4.3027 / np.sqrt(3)], rtol=1e-4
    )
    against_oracle = found.loc[(ORACLE, "1 inner step, 20 rollouts")]  # 13, 14, 15 - 30: it stays what it is
    assert (against_oracle["difference"], against_oracle["better"]) == (-16.0, ORACLE)
    assert found.loc[(RL2, "1 inner step, 20 rollouts"), "difference"] == 14.0 - 5.0


def test_the_picture_has_a_curve_for_each_policy_in_each_way_to_adapt():
    figure = baselines_plot.draw_panels({"corner": three_seeds(), "momentum": three_seeds()})
    assert len(figure.axes) == 6
    inner, rollouts, ppo = figure.axes[:3]
    labels = list(baselines_plot.COLOURS)
    assert [line.get_label() for line in rollouts.lines] == labels
    assert [line.get_label() for line in inner.lines] == [label for label in labels if RL2 not in label]
    np.testing.assert_array_equal(rollouts.lines[labels.index(RL2)].get_ydata(), [0, 5])
    np.testing.assert_array_equal(inner.lines[0].get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(inner.lines[0].get_ydata(), [12, 14, 15])
    np.testing.assert_array_equal(rollouts.lines[0].get_xdata(), [0, 5, 20])
    np.testing.assert_array_equal(ppo.lines[0].get_ydata(), [12, 13, 16])
    np.testing.assert_array_equal(ppo.lines[1].get_ydata(), [12, 14, 18])


def test_the_title_says_which_policies_have_fewer_seeds():
    rows = three_seeds()
    assert baselines_plot.seeds_text(rows) == "3 seeds"
    fewer = rows[(rows["policy"] != RL2) | (rows["seed"] == 2)]
    assert baselines_plot.seeds_text(fewer) == "3 seeds (RL2: 1)"


def test_nothing_to_draw_and_a_broken_table_are_named(tmp_path):
    with pytest.raises(InvalidRunError):
        baselines_plot.draw(tmp_path, tmp_path, "quick")
    (tmp_path / "adaptation.csv").write_text("policy,return\nProMP,many\n")
    with pytest.warns(RunDataWarning, match="can't be read as returns after adaptation"):
        assert baselines.read_table(tmp_path / "adaptation.csv") is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"max_path_length": 99}, "has another max_path_length than baselines"),
        ({"returns": [1.0]}, "has 100 env steps, others of corner have 200"),
    ],
)
def test_a_run_with_other_settings_or_fewer_env_steps_is_left_out(tmp_path, other, words):
    run = baselines.planned(tmp_path, "corner", META, "smoke", 1)
    for seed, changes in ((1, {}), (2, other)):
        settings = {"returns": [1.0, 2.0], **run.settings, "seed": seed, **changes}
        folder = write_run(run.folder.with_name(f"seed_{seed}"), **settings)
        table = rows_of(META, seed, {(INNER, 0, 0): 1.0}).assign(itr=len(settings["returns"]))
        table.to_csv(folder / baselines.TABLE, index=False)
    with pytest.warns(RunDataWarning, match=words):
        found = baselines.load_panel(tmp_path, "corner", "smoke")
    assert set(found["seed"]) == {1}
    assert set(found["env_steps"]) == {200}
