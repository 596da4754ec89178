"""Check an implementation: python -m meta_policy_search.conformance my_module:adapter

Exit code 0: it agrees with every case that it doesn't skip; 1: it doesn't; 2: there is no such adapter or case, or it
returns no arrays by name.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from meta_policy_search.conformance.cases import CASES, Case, load_case, load_cases
from meta_policy_search.conformance.check import TOLERANCE, Adapter, NoArraysError, Result, check_case


def load_adapter(reference: str) -> Adapter:
    """The function that module:function names.

    Raises:
      ValueError: there is none.
    """
    module, colon, name = reference.partition(":")
    if not (module and colon and name):
        raise ValueError(f"{reference!r} names no adapter; it has the form module:function")
    try:
        found = getattr(importlib.import_module(module), name, None)  # noqa: TID251, that the user names
    except ModuleNotFoundError as error:
        raise ValueError(f"can't import {module}: {error}") from error
    if not callable(found):
        raise ValueError(f"{module} has no function {name}")
    return found


def describe(result: Result) -> str:
    """One line, and one more for the first quantity that is wrong."""
    if not result.deviations:
        return f"skip  {result.case}"
    problem, total = result.first_problem, len(result.deviations)
    if problem is None:
        worst = max(deviation.relative for deviation in result.deviations)
        groups = sorted({name.split("/")[0] for name in result.left_out})
        left_out = f", not returned: {', '.join(groups)}" if groups else ""
        return f"ok    {result.case}: {total} arrays, largest deviation {worst:.0e}{left_out}"
    wrong = sum(bool(deviation.problem) for deviation in result.deviations)
    return f"FAIL  {result.case}: {wrong} of {total} arrays; the first is {problem.quantity}, which {problem.problem}"


def main(argv: Sequence[str] | None = None) -> int:
    """Check the adapter that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m meta_policy_search.conformance",
        description="Check an implementation of gradient-based meta-RL against this package's numbers.",
        epilog=f"What an adapter is and what the cases hold: {Path(__file__).parent / 'README.md'}",
    )
    parser.add_argument(
        "adapter", metavar="module:function", help="takes a Case, returns arrays by name, or None to skip it"
    )
    parser.add_argument("--case", nargs="+", metavar="NAME", help="only these, such as promp_k1")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="relative; default %(default)s, for float32 1e-4")
    arguments = parser.parse_args(argv)
    try:
        adapter, cases = load_adapter(arguments.adapter), _named_cases(arguments.case)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    results = []
    for case in cases:
        try:
            results.append(check_case(adapter, case, arguments.tolerance))
        except NoArraysError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        print(describe(results[-1]), flush=True)
    checked = [result for result in results if result.deviations]
    failed = [result for result in checked if result.first_problem]
    print(f"{len(checked) - len(failed)} of {len(checked)} cases agree, {len(results) - len(checked)} skipped")
    return int(bool(failed) or not checked)


def _named_cases(names: Sequence[str] | None) -> list[Case]:
    if names is None:
        return load_cases()
    known = sorted(path.stem for path in CASES.glob("*.npz"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no case {unknown[0]}; known are {', '.join(known)}")
    return [load_case(CASES / f"{name}.npz") for name in names]


if __name__ == "__main__":
    sys.exit(main())
