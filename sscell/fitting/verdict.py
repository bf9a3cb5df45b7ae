"""Whether a model describes data, as a person would judge it.

The noise of a good cycler is a tenth of a millivolt, and no model is that good: what counts
is the share of the voltage's range and of the capacity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sscell.fitting.courses import Course
from sscell.fitting.problem import Problem

__all__ = ["Verdict", "judged"]

_VOLTAGE = 0.01  # of the range: off by more, and one sees it
_CHARGE = 0.02  # of the capacity
_MODULUS = 5.0  # % of an impedance
_PIECE = 0.1  # of the cell's capacity: less tells little of it
_REACHED = 1.25  # times the noise


@dataclass(frozen=True)
class Verdict:
    """What a fit says of its model.

    Parameters
    ----------
    word : str
        ``"describes"``, ``"is off by"`` or ``"cannot tell"``.
    sentence : str
        With the numbers.
    """

    word: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return asdict(self)


def judged(
    problem: Problem, scores: Sequence[Mapping[str, Any]], pinned: Sequence[bool]
) -> Verdict:
    """Judge a fit.

    Parameters
    ----------
    problem : Problem
        With the data.
    scores : sequence of mapping
        From `sscell.fitting.scores.score`, for each dataset.
    pinned : sequence of bool
        Which parameters the data say.

    Returns
    -------
    Verdict
        ``"describes"``: within 1 % of the range of the voltage on the flat part, 2 % of
        the capacity of every half cycle and 5 % of the modulus of an impedance.
        ``"cannot tell"``: within that, but the noise is larger, the data are a small part
        of a half cycle, or most parameters are not pinned by them.
    """
    volts = charge = percent = 0.0
    off, doubts = False, []
    for course, entry in zip(problem.courses, scores, strict=True):
        if not isinstance(course, Course):
            percent = max(percent, entry["rms_percent"])
            off |= entry["rms_percent"] > max(_MODULUS, 100 * _REACHED * course.noise)
            continue
        width = course.window[1] - course.window[0]
        own = entry["rms_mV"] or 0.0
        volts = max(volts, own)
        off |= own > 1e3 * max(_VOLTAGE * width, _REACHED * course.noise)
        if course.noise > _VOLTAGE * width:
            doubts.append(
                f"the noise of {course.label}, {1e3 * course.noise:.2g} mV, hides what "
                f"would be seen, {1e3 * _VOLTAGE * width:.2g} mV"
            )
        halves = [h for h in course.halves if h.compared]
        for half, row in zip(halves, entry["half_cycles"], strict=True):
            share = abs(row["model_mAh"] / max(row["measured_mAh"], 1e-300) - 1)
            charge = max(charge, share)
            off |= share > max(_CHARGE, 2 * half.error / half.charge)
    largest = [
        h.charge / 3600
        for c in problem.courses
        if isinstance(c, Course)
        for h in c.halves
        if h.compared
    ]
    whole = problem.cell.theoretical_capacity
    if largest and max(largest) < _PIECE * whole:
        doubts.append(f"they are {max(largest) / whole:.0%} of the capacity of the cell")
    loose = sum(not p for p in pinned)
    if loose > len(pinned) / 2:
        doubts.append(f"{loose} of {len(pinned)} parameters are not pinned by them")
    amounts = []
    if largest:
        share = "under 0.1" if charge < 1e-3 else f"up to {100 * charge:.2g}"
        amounts += [
            f"{volts:.3g} mV on the flat part",
            f"{share} % of the capacity of a half cycle",
        ]
    if percent:
        amounts.append(f"{percent:.2g} % of the modulus of the impedance")
    numbers = " and ".join(amounts)
    if off:
        return Verdict("is off by", f"The model is off by {numbers}.")
    if doubts:
        return Verdict(
            "cannot tell",
            f"These data cannot tell whether the model describes them: {'; '.join(doubts)}. "
            f"It is off by {numbers}.",
        )
    return Verdict("describes", f"The model describes these data to {numbers}.")
