"""The command meta-policy-search: what the run scripts do, as subcommands. Each loads what it needs when it is called."""

import dataclasses
import sys
from collections.abc import Callable

from experiment_utils.script import fail, run_script, say
from experiment_utils.validation import nearest

PROGRAM = "meta-policy-search"


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
        return fail(f"unknown command {argv[0]!r}; {nearest(argv[0], list(commands))} ({PROGRAM} --help lists all)")
    sys.argv = [f"{PROGRAM} {argv[0]}", *argv[1:]]  # what help and messages call the program
    return commands[argv[0]][1](argv[1:])


def _commands() -> dict[str, tuple[str, Callable[[list[str]], int]]]:
    return {
        "train": ("train an algorithm: train ALGORITHM, such as train promp", _train),
        "meta-test": ("adapt a trained policy to new tasks and measure it", _meta_test),
        "visualize": ("film a policy before and after adaptation", _visualize),
        "report": ("write a page about each run", _report),
        "plot": ("draw learning curves of run directories, and compare them", _plot),
        "reproduce": ("train and draw the figures of the paper", _reproduce),
        "export": ("export a policy as a TensorFlow SavedModel", _export),
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


def _meta_test(argv: list[str]) -> int:
    from experiment_utils.commands.meta_test import main as meta_test

    return meta_test(argv)


def _visualize(argv: list[str]) -> int:
    from experiment_utils.commands.visualize import main as visualize

    return visualize(argv)


def _report(argv: list[str]) -> int:
    from experiment_utils.commands.report import main as report

    return report(argv)


def _plot(argv: list[str]) -> int:
    from experiment_utils.commands.plot_curves import main as plot_curves

    return plot_curves(argv)


def _reproduce(argv: list[str]) -> int:
    from experiment_utils.paper.reproduce import main as reproduce

    return reproduce(argv)


def _export(argv: list[str]) -> int:
    from experiment_utils.commands.export_policy import main as export_policy

    return export_policy(argv)


def _sweep(argv: list[str]) -> int:
    from experiment_utils.run_sweep import main as sweep

    return sweep(argv)


def _envs(argv: list[str]) -> int:
    if argv:
        return fail(f"{PROGRAM} envs takes no arguments")
    from experiment_utils.env_sources import described_families

    return run_script(lambda: say(described_families()))


if __name__ == "__main__":
    sys.exit(main())
