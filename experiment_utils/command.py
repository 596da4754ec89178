"""The command meta-policy-search: the run scripts as subcommands. Importing it is quick; each loads what it needs."""

import dataclasses
import sys
from collections.abc import Callable

from experiment_utils.places import SCRIPTS
from experiment_utils.script import fail, run_script, say

PROGRAM = "meta-policy-search"

# subcommand -> what it does, and the script that does it
BY_SCRIPT = {
    "meta-test": ("adapt a trained policy to new tasks and measure it", "meta_test.py"),
    "visualize": ("film a policy before and after adaptation", "visualize.py"),
    "report": ("write a page about each run", "report.py"),
    "plot": ("draw learning curves of run folders, and compare them", "plot_curves.py"),
    "reproduce": ("train and draw the figures of the paper", "reproduce.py"),
    "export": ("export a policy as a TensorFlow SavedModel", "export_policy.py"),
}


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments ask for; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help"):
        say(_help())
        return 0
    if argv[0] == "--version":
        from meta_policy_search import __version__

        say([f"{PROGRAM} {__version__}"])
        return 0
    commands = _commands()
    if argv[0] not in commands:
        return fail(f"unknown command {argv[0]!r}; there are {', '.join(commands)} ({PROGRAM} --help)")
    return commands[argv[0]][1](argv[1:])


def _commands() -> dict[str, tuple[str, Callable[[list[str]], int]]]:
    scripts = {name: (what, _of_script(name, script)) for name, (what, script) in BY_SCRIPT.items()}
    return {
        "train": ("train an algorithm: train ALGORITHM, such as train promp", _train),
        **scripts,
        "sweep": ("train a grid of settings and seeds", _sweep),
        "envs": ("list the task families with spaces and tasks", _envs),
    }


def _help() -> list[str]:
    commands = _commands()
    width = max(map(len, commands))
    return [
        f"usage: {PROGRAM} COMMAND ...",
        "",
        "Gradient-based meta-reinforcement learning.",
        "",
        *(f"  {name:{width}}  {what}" for name, (what, _) in commands.items()),
        "",
        f"{PROGRAM} COMMAND --help says what a command takes.",
    ]


def _of_script(name: str, script: str) -> Callable[[list[str]], int]:
    def act(argv: list[str]) -> int:
        sys.argv = [f"{PROGRAM} {name}", *argv]
        path = SCRIPTS / script
        try:  # not by runpy, which would put the script's path where the help and messages find the program's name
            exec(compile(path.read_bytes(), path, "exec"), {"__name__": "__main__", "__file__": str(path)})
        except SystemExit as end:
            return end.code or 0
        return 0

    return act


def _train(argv: list[str]) -> int:
    from experiment_utils.algorithms import algorithms, find_algorithm
    from experiment_utils.experiment import main as train

    if not argv or argv[0].startswith("-"):
        known = ", ".join(entry.name for entry in algorithms())
        usage = f"{PROGRAM} train ALGORITHM [settings]; algorithms: {known}. Upper and lower case, and hyphens, don't matter"
        if argv and argv[0] in ("-h", "--help"):
            say([f"usage: {usage}.", f"{PROGRAM} train ALGORITHM --help lists the settings."])
            return 0
        return fail(f"name an algorithm first: {usage}")

    def act() -> int:
        entry = find_algorithm(argv[0])
        sys.argv = [f"{PROGRAM} train {entry.name}", *argv[1:]]
        defaults = dataclasses.replace(entry.defaults, **entry.variant)
        return train(defaults, entry.build, f"{entry.name}. The defaults are the original's.")

    return run_script(act)


def _sweep(argv: list[str]) -> int:
    from experiment_utils.run_sweep import main as sweep

    sys.argv = [f"{PROGRAM} sweep", *argv]
    return sweep(argv)


def _envs(argv: list[str]) -> int:
    if argv:
        return fail(f"{PROGRAM} envs takes no arguments")
    from experiment_utils.environments import described_families

    return run_script(lambda: say(described_families()))


if __name__ == "__main__":
    sys.exit(main())
