"""One self-contained HTML page per run: curves of every logged quantity, timing, settings, adaptation table, video."""

import base64
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiment_utils.evaluation.tasks import IN_TRAINING
from experiment_utils.plain_matplotlib import own_style
from experiment_utils.plot_utils import PAGE, cell_text, step_colours, styled
from experiment_utils.progress import tracked
from experiment_utils.runs.curves import timing_table
from experiment_utils.runs.results import RunData, load_run
from experiment_utils.runs.run_dir import InvalidRunError, RunDir, read_params
from meta_policy_search.utils.atomic_write import atomic_write

TEMPLATE = "report.html.jinja"
STEP = re.compile(r"Step_(\d+)-(.+)")
STAGES = {"simulation": "EnvExecTime", "policy": "PolicyExecTime", "processing": "SampleProc", "adaptation": "InnerStep"}
STAGES |= {"meta-update": "OuterStep"}
VIDEO_TYPES = {".mp4": "video/mp4", ".gif": "image/gif"}
DIGITS = 4  # of the largest number of a column
FOLDED = 15  # rows; a longer table is folded


def write_report(folder: Path, target: Path) -> None:
    """Writes the page of the run in `folder`. It needs no other file and no network.

    Raises:
      InvalidRunError: the folder does not hold a run with at least one iteration.
      ConfigError: a link leads out of the folder; the page would have what it points to.
    """
    RunDir(folder).require_no_links()
    run = load_run(folder)
    run.column("ItrTime")
    names = quantities(run.progress.columns)
    page = {
        "title": f"{run.algorithm} on {run.config.get('env')}, seed {run.config.get('seed')}",
        "folder": str(folder),
        "facts": facts(run),
        "returns": svg(draw_quantity(run, "AverageReturn", size=(PAGE, 2.6), legend=True)),
        "timing": {"picture": svg(draw_timing(run)), "rows": _records(timing_table({run.algorithm: [run]}))},
        "quantities": [svg(draw_quantity(run, name)) for name in tracked(names, f"curves of {folder}", len(names))],
        "folded": FOLDED,
        "config": {name: json.dumps(value) for name, value in run.config.items()},
        "adaptation": adaptation_title(folder / "meta_test" / "tasks.csv"),
        "tables": {path.stem: _records(_read_table(path)) for path in sorted(folder.glob("meta_test/*.csv"))},
        "pictures": [(path.stem, data_url(path)) for path in sorted(folder.glob("meta_test/*.png"))],
        "videos": [(path.name, VIDEO_TYPES[path.suffix], data_url(path)) for path in videos(folder)],
    }
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    atomic_write(target, environment.get_template(TEMPLATE).render(page))


def facts(run: RunData) -> dict[str, str]:
    """What stands at the top: length, returns of the last and of the best iteration, speed, versions."""
    progress, returns = run.progress, run.column("return")
    if returns.isna().all():
        raise InvalidRunError(f"{run.path / 'progress.csv'} has no return that is a number")
    last, best = progress.iloc[-1], int(returns.argmax())
    rows = {
        "iterations": f"{len(progress)} of {run.config.get('n_itr')}",
        "env steps": f"{last['n_timesteps']:,.0f}",
        "return before adaptation, last iteration": f"{run.column('Step_0-AverageReturn').iloc[-1]:.2f}",
        "return after adaptation, last iteration": f"{returns.iloc[-1]:.2f}",
        "return after adaptation, best iteration": f"{returns[best]:.2f} (iteration {progress['Itr'][best]:.0f})",
        "training time": f"{last['Time'] / 3600:.2f} h" if "Time" in last else "not logged",
    }
    return {**rows, **_provenance(run.path / "params.json")}


def adaptation_title(tasks: Path) -> str:
    """What is tested: "unseen tasks" only where the table of `meta_test.py` says that training drew none of them."""
    table = _read_table(tasks) if tasks.exists() else pd.DataFrame()
    if IN_TRAINING not in table:
        return "Adaptation"
    known = table.groupby("task")[IN_TRAINING].first().astype(bool)
    if not known.any():
        return "Adaptation to unseen tasks"
    return f"Adaptation to tasks of which training drew {'all' if known.all() else f'{known.sum()} of {len(known)}'}"


def quantities(columns: Sequence[str]) -> list[str]:
    """Names of what is logged, without times and axes; what every adaptation step logs stands once, first."""
    names = [match[2] if (match := STEP.fullmatch(column)) else column for column in columns]
    skipped = ("Itr", "n_timesteps", "Time", "ItrTime")
    return [name for name in dict.fromkeys(names) if name not in skipped and "Time" not in name]


@styled
def draw_quantity(run: RunData, name: str, *, size: tuple[float, float] = (PAGE / 3, 1.7), legend: bool = False) -> Figure:
    """A quantity against the iteration; a line per adaptation step where each of them logs it."""
    figure, axes = plt.subplots(figsize=size)
    steps = {int(match[1]): column for column in run.progress if (match := STEP.fullmatch(column)) and match[2] == name}
    palette = step_colours(run.algorithm, max(steps, default=0))
    for step, column in (steps or {0: name}).items():
        label = "before adaptation" if step == 0 else f"after {step} step{'s' if step > 1 else ''}"
        colour = palette[step] if steps else palette[-1]
        axes.plot(run.progress["Itr"], run.progress[column], color=colour, label=label)
    axes.set_title(name, parse_math=False)  # a name from a file
    axes.set_xlabel("meta-iteration")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if legend:
        axes.legend()
    return figure


@styled
def draw_timing(run: RunData) -> Figure:
    """Where the seconds of each iteration went."""
    figure, axes = plt.subplots(figsize=(PAGE, 2.2))
    stages = {stage: run.progress.filter(regex=f"{suffix}$").sum(axis=1) for stage, suffix in STAGES.items()}
    axes.stackplot(run.progress["Itr"], *stages.values(), labels=stages.keys(), alpha=0.8)
    axes.set(xlabel="meta-iteration", ylabel="seconds", title="time of an iteration")
    figure.legend(loc="outside right center")
    return figure


def svg(figure: Figure) -> str:
    """The figure as an <svg> element; closes it."""
    text = io.StringIO()
    with own_style():  # what is drawn only now, such as ticks
        figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def data_url(path: Path) -> str:
    """The bytes of a file, to stand in a page."""
    kind = VIDEO_TYPES.get(path.suffix, "image/png")
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def videos(folder: Path) -> list[Path]:
    """The run's videos, in order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix in VIDEO_TYPES)


def _records(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table for the template: its head, which columns are numbers, and rows of text."""
    numbers = [pd.api.types.is_numeric_dtype(table.iloc[:, i]) for i in range(table.shape[1])]
    columns = [column_text(table.iloc[:, i]) for i in range(table.shape[1])]
    return {"head": list(map(str, table.columns)), "numbers": numbers, "rows": list(zip(*columns, strict=True))}


def column_text(values: pd.Series) -> list[str]:
    """A column as text: numbers with equally many decimals, the largest with four digits; a dash where there is none."""
    if not pd.api.types.is_float_dtype(values):
        return [f"{value:,}" if pd.api.types.is_integer(value) else cell_text(value) for value in values]
    sizes = values.abs()[np.isfinite(values)]
    largest = sizes.max() if len(sizes) else 0.0
    if not 1e-3 <= largest < 1e9 and largest:
        return list(map(cell_text, values))
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(largest))) if largest else 0
    return [f"{value:z,.{decimals}f}" if np.isfinite(value) else cell_text(value) for value in values]


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InvalidRunError(f"{path} can't be read as a table ({error})") from error


def _provenance(params: Path) -> dict[str, str]:
    """The commit, the versions and the command of the run, where params.json has them, and by what it was resumed."""
    saved = read_params(params)
    began = _made_by(saved)
    resumed = [entry for entry in _listed(saved.get("resumed")) if isinstance(entry, dict)]
    return {**began, **{f"resumed ({number})": _resumed(entry, began) for number, entry in enumerate(resumed, start=1)}}


def _resumed(entry: Mapping[str, object], began: Mapping[str, str]) -> str:
    """From which iteration a run went on, by what command, and what else was different."""
    now = _made_by(entry)
    changed = [f"{name} {now[name]}" for name in now if name == "command" or now[name] != began[name]]
    return "; ".join([f"at iteration {entry.get('itr')}", *changed])


def _made_by(saved: Mapping[str, object]) -> dict[str, str]:
    versions, command = saved.get("versions"), saved.get("command")
    return {
        "command": " ".join(map(str, command)) if isinstance(command, list) else "not recorded",
        "commit": str(saved.get("git_commit")),
        "versions": ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else "not recorded",
    }


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
