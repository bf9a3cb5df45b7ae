"""How work that takes a while says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["FitEvent", "Progress", "RunEvent", "Teller", "parts"]

Progress = Callable[[float, str], None]  # share done [-], and a text


@dataclass(frozen=True)
class RunEvent:
    """Where a simulation is: at the end of a step, or of a piece of a long one.

    Parameters
    ----------
    share : float
        Done so far, as far as it can be told [-]: 0 to 1, never falling.
    text : str
        Such as ``"cycle 2, charge"``.
    step : int
        Number of the step, from 1.
    cycle : int
        From 1.
    direction : str
        ``"discharge"``, ``"charge"``, ``"rest"``, ``"hold"``, ``"sweep"``, ``"drive"`` or
        ``"impedance"``.
    time : float
        Since the run began [s].
    voltage, current : float
        Of now [V], [A]; positive currents discharge. NaN where they are not known, as
        between the steps of a `pybamm.Experiment`.
    preparing : bool, optional
        Whether the cell is still brought to its state; that has times and steps of its own.
    curve : mapping of str to numpy.ndarray, shape (n,), optional
        What was computed since the event before: ``"Time [s]"``, ``"Voltage [V]"``,
        ``"Current [A]"`` and ``"Discharge capacity [A.h]"``.
    """

    share: float
    text: str
    step: int
    cycle: int
    direction: str
    time: float
    voltage: float
    current: float
    preparing: bool = False
    curve: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class FitEvent:
    """Where a fit is: after each evaluation of the model.

    Parameters
    ----------
    share : float
        Evaluations so far per most that are allowed [-].
    text : str
        Of the costs and best values.
    start, starts : int
        Number of the descent, from 1, and how many there are.
    evaluations : int
        Solves of the model so far.
    rough : bool
        Whether tolerances are still those of the way there: such costs are compared among
        each other only.
    values : mapping of str to float
        Tried now, by parameter [unit of the name].
    cost : float
        Sum of the squares of the residuals, in standard deviations [-].
    residual_norm : float
        Its root [-].
    best_values, best_cost : mapping and float
        Of the best so far with these tolerances.
    """

    share: float
    text: str
    start: int
    starts: int
    evaluations: int
    rough: bool
    values: Mapping[str, float]
    cost: float
    residual_norm: float
    best_values: Mapping[str, float]
    best_cost: float


class Teller:
    """Tells how far a run is: to a bar its share, to a listener events.

    Parameters
    ----------
    bar : callable, optional
        Called with the share done [-] and a text.
    listener : callable, optional
        Called with each `RunEvent`.
    """

    def __init__(
        self,
        bar: Progress | None = None,
        listener: Callable[[RunEvent], None] | None = None,
    ):
        self._bar, self._listener = bar, listener
        self.preparing = False
        self._lead = self._width = self._share = 0.0
        self._told: tuple[int, int, str, str] = (0, 0, "", "")
        self._expected: float | None = None
        self._begun = 0.0

    @property
    def listened(self) -> bool:
        """Whether anybody wants events."""
        return self._listener is not None

    def begin(
        self, number: int, cycle: int, direction: str, lead: float, width: float
    ) -> None:
        """A step begins.

        Parameters
        ----------
        number, cycle : int
            Of the step, from 1.
        direction : str
            Of the step.
        lead, width : float
            Share of the run before the step, and of the step [-].
        """
        text = f"cycle {cycle}, {direction}"
        if self.preparing:
            lead, width, text = 0.0, 0.0, f"to the state: {text}"
        self._lead, self._width, self._expected = lead, width, None
        self._told = number, cycle, direction, text
        self._go_on(0.0)

    def expect(self, begun: float, seconds: float | None) -> None:
        """Say how long the step may take.

        Parameters
        ----------
        begun : float
            When it began [s].
        seconds : float or None
            [s]; None: nobody knows.
        """
        self._begun, self._expected = begun, seconds

    def look(self, now: float) -> None:
        """The solver has got on.

        Parameters
        ----------
        now : float
            On the clock of `expect` [s].
        """
        self._go_on(self._inner(now))

    def _inner(self, now: float) -> float:
        """Share of the step that is done."""
        if not self._expected:
            return 0.0
        return min(max((now - self._begun) / self._expected, 0.0), 0.99)

    def _go_on(self, inner: float) -> None:
        self._share = max(self._share, min(self._lead + inner * self._width, 0.99))
        if self._bar is not None:
            self._bar(self._share, self._told[-1])

    def point(
        self, curve: Mapping[str, np.ndarray], now: float | None, celled: bool = True
    ) -> None:
        """A piece of the run is there.

        Parameters
        ----------
        curve : mapping of str to numpy.ndarray, shape (n,)
            What is new, with the time since the run began.
        now : float or None
            On the clock of `expect` [s]; None: the step is over.
        celled : bool, optional
            Whether it has voltages and currents.
        """
        self._go_on(1.0 if now is None else self._inner(now))
        if self._listener is None:
            return
        number, cycle, direction, text = self._told
        last = {name: float(values[-1]) for name, values in curve.items()}
        self._listener(
            RunEvent(
                self._share,
                text,
                number,
                cycle,
                direction,
                last["Time [s]"],
                last["Voltage [V]"] if celled else float("nan"),
                last["Current [A]"] if celled else float("nan"),
                self.preparing,
                curve,
            )
        )

    def done(self) -> None:
        """All steps are over; those that bring the cell to its state are not all."""
        if self._bar is not None and not self.preparing:
            self._bar(1.0, "done")


def parts(on_progress: Progress | None, count: int) -> Iterator[Progress]:
    """Progress of each part of a whole.

    Parameters
    ----------
    on_progress : callable or None
        Of the whole.
    count : int
        Parts, of equal weight.

    Yields
    ------
    callable
        Progress of one part.

    Examples
    --------
    >>> first, second = parts(lambda share, text: print(share, text), 2)
    >>> second(0.5, "discharge")
    0.75 discharge
    """
    for number in range(count):

        def tell(share: float, text: str, number: int = number) -> None:
            if on_progress:
                on_progress((number + share) / count, text)

        yield tell
