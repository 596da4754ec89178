"""The settings of every algorithm in the six environments of figure 2, as a page in Markdown, from the configs themselves.

python -m experiment_utils.paper.hyperparameters
"""

import dataclasses
from collections.abc import Mapping, Sequence

from experiment_utils.algorithms import Algorithm, algorithms
from experiment_utils.config import Config
from experiment_utils.paper.experiments import PANELS, Panel
from experiment_utils.runs.run_spec import Settings, as_flags, as_word

SHARED = [field.name for field in dataclasses.fields(Config)]
NOT_METHOD: tuple[str, ...] = (
    "seed",
    "env",
    "physics",
    "backend",
    "parallel",
    "sampler",
    "num_workers",
    "cpus_per_worker",
    "env_options",
)
NOT_METHOD += ("meta_update_device",)
SIZE = {"meta_batch_size": 40, "n_itr": 1001}  # of figure 2


def page() -> str:
    """All tables, below a heading each."""
    parts = [
        "# Hyper-parameters",
        "Of all algorithms in the six environments of the paper's figure 2. The tables are made from the configs that\n"
        "training reads, when the site is built. `python -m experiment_utils.paper.hyperparameters` prints them.",
        "## By environment",
        "What differs from the defaults, for all algorithms:",
        table(_by_environment(), [panel.title for panel in PANELS]),
        "and for ProMP besides:",
        table(_promp_by_environment(), [panel.title for panel in PANELS]),
        "## By algorithm",
        "What each adds; a dash where an algorithm has no such setting.",
        table(_by_algorithm(), [entry.name for entry in algorithms()]),
        "Sizes of a run by each script's defaults (figure 2 has 40 tasks and 1001 iterations for all):",
        table(_sizes(), [entry.name for entry in algorithms()]),
        "## Shared by all",
        table(_shared(), ["default"]),
        "## Commands",
        "A run of seed 1 each. ProMP's settings also stand in `run_scripts/configs/`, for `--config_file`.",
        *(f"### {panel.title}\n\n```bash\n{commands(panel)}\n```" for panel in PANELS),
    ]
    return "\n\n".join(parts) + "\n"


def table(rows: Mapping[str, Sequence[object]], columns: Sequence[str]) -> str:
    """A row for each setting."""
    lines = [["setting", *columns], ["---"] * (len(columns) + 1)]
    lines += [[f"`{name}`", *map(text, values)] for name, values in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(value: object) -> str:
    """A value as --help shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else as_word(value)


def commands(panel: Panel) -> str:
    """A line for each algorithm, with what its script would not do by itself."""
    return "\n".join(command(entry, panel) for entry in algorithms())


def command(entry: Algorithm, panel: Panel) -> str:
    """What trains an algorithm as in a panel."""
    flags = [word for name, value in changes(entry, panel).items() for word in as_flags(name, value)]
    return " ".join(["python", f"run_scripts/{entry.script.name}", *flags])


def changes(entry: Algorithm, panel: Panel) -> Settings:
    """The settings in which an algorithm's run in a panel differs from its script's defaults."""
    own = panel.promp_settings if entry.name == "ProMP" else {}
    wanted = {**entry.variant, **panel.settings, **own, **SIZE}
    return {name: value for name, value in wanted.items() if getattr(entry.defaults, name) != value}


def _by_environment() -> dict[str, list[object]]:
    names = dict.fromkeys(name for panel in PANELS for name in panel.settings)
    return {name: [panel.settings.get(name, getattr(Config(), name)) for panel in PANELS] for name in names}


def _promp_by_environment() -> dict[str, list[object]]:
    promp = next(entry for entry in algorithms() if entry.name == "ProMP").defaults
    names = dict.fromkeys(name for panel in PANELS for name in panel.promp_settings)
    return {name: [panel.promp_settings.get(name, getattr(promp, name)) for panel in PANELS] for name in names}


def _own(entry: Algorithm) -> Settings:
    settings = {**dataclasses.asdict(entry.defaults), **entry.variant}
    return {name: value for name, value in settings.items() if name not in SHARED or name == "baseline"}


def _by_algorithm() -> dict[str, list[object]]:
    own = [_own(entry) for entry in algorithms()]
    names = dict.fromkeys(name for settings in own for name in settings)
    return {name: [settings.get(name) for settings in own] for name in names}


def _sizes() -> dict[str, list[object]]:
    return {name: [getattr(entry.defaults, name) for entry in algorithms()] for name in ("meta_batch_size", "n_itr")}


def _shared() -> dict[str, list[object]]:
    differing = {"baseline", "meta_batch_size", "n_itr", *NOT_METHOD}
    return {name: [getattr(Config(), name)] for name in SHARED if name not in differing}


if __name__ == "__main__":
    print(page(), end="")
