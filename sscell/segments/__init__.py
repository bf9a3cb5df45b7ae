"""Steps of a time series: which rows charge, discharge or rest, and the charge they pass.

Decided once for all readers and analyses, by length and charge instead of by one sign:

* **Rest.** A block of rows of small current (under 3 % of the currents beside it) is a
  rest where its current only scatters, or is a constant offset under 0.3 %. A small
  current that is steady and lies between true rests is a step of its own, however large
  another step of the file is.
* **Strays.** One or two rows that differ from both sides and pass next to no charge take
  the kind of what is around them.
* **Charge.** An interval belongs to the step of its later row. Inside a step the current
  is taken to be straight between two rows; the first interval of a step has the current
  of its first row. Nothing is integrated over a gap: rows that were left out, or no rows
  for ten times the usual interval of a step that is sampled evenly.
"""

from __future__ import annotations

from sscell.segments.charge import charge_increments, gaps, step_begins
from sscell.segments.kinds import kinds, runs
from sscell.segments.series import (
    Segment,
    cycle_numbers,
    half_runs,
    passed_by_current,
    row_kinds,
    segments,
)

__all__ = [
    "Segment",
    "charge_increments",
    "cycle_numbers",
    "gaps",
    "half_runs",
    "kinds",
    "passed_by_current",
    "row_kinds",
    "runs",
    "segments",
    "step_begins",
]
