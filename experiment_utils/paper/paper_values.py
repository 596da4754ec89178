"""Returns after adaptation read off the paper's curves (ICLR version; means of 3 seeds, to about +-5): paper_values.csv.

The last one of E-MAML-VPG on the humanoid is between 537 and 560.
"""

import csv
import functools
from pathlib import Path

PAPER_MARKS = (0.25, 0.5, 0.75, 1.0)  # where they were read, as fractions of the axis of env steps


@functools.cache
def paper_returns(figure: str, panel: str) -> dict[str, tuple[float | None, ...]]:
    """Return the values of each algorithm at the PAPER_MARKS, in the table's order; None where one could not be read."""
    with Path(__file__).with_name("paper_values.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["figure"], row["panel"]) == (figure, panel)]
    read = {row["algorithm"]: [row[str(mark)] for mark in PAPER_MARKS] for row in rows}
    return {name: tuple(float(word) if word else None for word in words) for name, words in read.items()}
