"""Many short runs, each killed at random moments and resumed until it is done, compared with one that nobody disturbed."""

import collections
import dataclasses
import shutil
from pathlib import Path

import numpy as np

from tests.experiment_utils.test_experiment import rows
from tests.faults.forkserver import Answer, ForkServer, Kill
from tests.faults.stages import STAGES

SMALL = ["--meta_batch_size", "2", "--rollouts_per_meta_task", "2", "--max_path_length", "5", "--hidden_sizes", "4"]
ENV = ["--env", "MetaPointEnv", "--env_options", '{"reward_type": "dense"}']  # every action shows in the returns
N_ITR = 4
MOST_KILLS = 3  # of one run
SCRIPTS = {  # with the flags of a short run
    "pro-mp_run_mujoco.py": ["--num_promp_steps", "1", "--anneal_factor", "0.9", "--adaptive_inner_kl_penalty"],
    "vpg_run_mujoco.py": ["--trainable_inner_step_size"],
    "dice_run_mujoco.py": [],
    "maml_run_mujoco.py": [],  # TRPO
}


@dataclasses.dataclass
class Report:
    """What a campaign did."""

    runs: int = 0
    kills: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by what the run was busy with
    different: list[str] = dataclasses.field(default_factory=list)  # runs that ended with other numbers, or not at all


class Campaign:
    """Kills runs and compares.

    Args:
      server: starts them.
      directory: the runs lie below it; those that went well are deleted.
      seed: of the moments.
    """

    def __init__(self, server: ForkServer, directory: Path, seed: int):
        self.server, self.directory, self.report = server, directory, Report()
        self._rng = np.random.default_rng(seed)
        self._whole = {script: self._undisturbed(script) for script in SCRIPTS}

    def run(self) -> None:
        """One run, killed one to three times."""
        script = str(self._rng.choice(list(SCRIPTS)))
        reference, durations = self._whole[script]
        folder = self.directory / f"run_{self.report.runs}"
        self.report.runs += 1
        for _ in range(self._rng.integers(1, MOST_KILLS + 1)):
            answer = self._start(script, folder, self._moment(durations))
            if answer.code == 0:  # it was faster
                break
            self.report.kills[answer.stage if answer.code == -9 else f"exit code {answer.code}"] += 1
        answer = self._start(script, folder)
        if answer.code != 0 or rows(folder) != reference:
            self.report.different.append(str(folder))
        else:
            shutil.rmtree(folder)

    def _undisturbed(self, script: str) -> tuple[list[dict[str, str]], dict[str, float]]:
        folder = self.directory / script
        answer = self._start(script, folder)
        reference = rows(folder)
        assert answer.code == 0, (folder / "run.log").read_text()
        assert len({row["Step_0-AverageReturn"] for row in reference}) == N_ITR, "the returns show nothing"
        return reference, answer.durations

    def _moment(self, durations: dict[str, float]) -> Kill:
        """Uniform within a stage; the stages equally often, so that short ones are hit too."""
        stage = str(self._rng.choice(STAGES[:-1]))
        if stage == "start":
            return Kill(delay=self._rng.uniform(0.0, 2.0))
        call = int(self._rng.integers(1, N_ITR + 1))
        return Kill(stage, call, self._rng.uniform(0.0, 1.1 * durations[stage]))

    def _start(self, script: str, folder: Path, kill: Kill | None = None) -> Answer:
        folder.mkdir(exist_ok=True)
        argv = ["--resume_or_start", "--dump_path", str(folder), "--n_itr", str(N_ITR), *ENV, *SMALL, *SCRIPTS[script]]
        return self.server.run(script, *argv, log=folder / "run.log", kill=kill)
