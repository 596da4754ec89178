"""The variants that a setting makes of an algorithm train, resume, and adapt after training."""

import json

import numpy as np
import pytest

from experiment_utils.algorithm_configs import (
    DICEMAMLConfig,
    ProMPConfig,
    ReptileConfig,
    SGMRLConfig,
    TRPOMAMLConfig,
    VPGMAMLConfig,
)
from experiment_utils.evaluation.trained_policy import load_trained
from experiment_utils.validation import ConfigError
from tests.experiment_utils.small_runs import make_trainer, small, train

pytestmark = pytest.mark.usefixtures("eagerly")

VARIANTS = {
    "PPO on all tasks": (ProMPConfig(), {"num_inner_grad_steps": 0}),
    "TRPO on all tasks": (TRPOMAMLConfig(), {"num_inner_grad_steps": 0}),
    "VPG on all tasks": (VPGMAMLConfig(), {"num_inner_grad_steps": 0}),
    "DiCE on all tasks": (DICEMAMLConfig(), {"num_inner_grad_steps": 0}),
    "Loaded DiCE": (VPGMAMLConfig(), {"inner_type": "loaded_dice", "loaded_dice_lambda": 0.5}),
    "ProMP with Loaded DiCE": (ProMPConfig(), {"inner_type": "loaded_dice", "loaded_dice_lambda": 0.5}),
    "DiCE after Loaded DiCE": (DICEMAMLConfig(), {"inner_type": "loaded_dice", "loaded_dice_lambda": 0.5}),
    "SG-MRL": (SGMRLConfig(), {"num_inner_grad_steps": 2}),
    "TMAML": (DICEMAMLConfig(), {"inner_type": "tmaml"}),
    "TMAML, discrete actions": (DICEMAMLConfig(), {"inner_type": "tmaml", "outer_type": "vpg", "env": "GridNavigationEnv"}),
    "TRPO with the second-order expansion": (TRPOMAMLConfig(), {"inner_type": "second_order"}),
    "FOMAML": (ProMPConfig(), {"first_order": True}),
    "ANIL": (ProMPConfig(), {"adapted": "head"}),
    "ANIL, discrete actions": (ProMPConfig(), {"adapted": "head", "env": "GridNavigationEnv"}),
    "CAVIA": (ProMPConfig(), {"adapted": "context", "context_dim": 2}),
    "Reptile": (ReptileConfig(), {"num_inner_grad_steps": 2}),
    "MAML++": (
        ProMPConfig(),
        {"trainable_inner_step_size": True, "step_size_shape": "parameter_and_step", "num_inner_grad_steps": 2},
    ),
}


@pytest.mark.parametrize(("defaults", "settings"), VARIANTS.values(), ids=list(VARIANTS))
def test_a_variant_trains_resumes_bit_for_bit_and_adapts_after_training(tmp_path, defaults, settings):
    config = small(defaults, **settings)
    rows = train(tmp_path, config)
    assert f"Step_{config.num_inner_grad_steps}-AverageReturn" in rows[-1]
    for path in (tmp_path / "checkpoints").glob("ckpt-3*"):
        path.unlink()
    trainer = make_trainer(tmp_path, config)
    state, _ = trainer.checkpoints.restore_latest()
    trainer.restore(json.loads(json.dumps(state)))
    again = trainer.meta_iteration(2)
    assert {name: again[name] for name in again if "Time" not in name} == {
        name: rows[2][name] for name in again if "Time" not in name
    }
    trained = load_trained(tmp_path, "last")
    task = trained.sample_tasks(1, np.random.default_rng(0))[0]
    actor = trained.adapt(task, rng=np.random.default_rng(0), steps=3, rollouts=2)
    assert all(np.isfinite(value).all() for value in actor.params.values())


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (ProMPConfig, {"num_inner_grad_steps": -1}, "num_inner_grad_steps is -1; it must be 0 or a positive whole number"),
        (ProMPConfig, {"loaded_dice_lambda": 0.5}, "loaded_dice_lambda is 0.5; it must be left out without loaded_dice"),
        (DICEMAMLConfig, {"loaded_dice_lambda": 0.5}, "loaded_dice_lambda is 0.5; it must be left out without loaded_dice"),
        (VPGMAMLConfig, {"inner_type": "loaded_dice", "loaded_dice_lambda": 1.5}, "it must be a number between 0 and 1"),
        (SGMRLConfig, {"num_inner_grad_steps": 0}, "num_inner_grad_steps is 0; it must be 1 or more"),
        (VPGMAMLConfig, {"exploration": True, "num_inner_grad_steps": 0}, "exploration is True; it must be off"),
        (ProMPConfig, {"step_size_shape": "parameter"}, "it must be left out without trainable_inner_step_size"),
        (ProMPConfig, {"trainable_inner_step_size": True, "num_inner_grad_steps": 0}, "it must be off without inner steps"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(config, settings, message):
    with pytest.raises(ConfigError, match=message):
        config(**settings)


def test_a_context_needs_a_gaussian_policy(tmp_path):
    with pytest.raises(ConfigError, match="adapted is 'context', which takes a Gaussian policy; the actions of Grid"):
        make_trainer(tmp_path, small(adapted="context", env="GridNavigationEnv"))
