r"""Bands of a prediction: how far it moves with what its set does not know.

Fitted values are drawn from the covariance of their fit, to first order
:math:`\sigma^2 = J (J_d^T W J_d + P)^{-1} J^T`, assumed ones from their ranges, all in one Latin
hypercube. A few tens of runs are too few for quantiles of their own: each number is described
by a straight line in the inputs that move it most, the rest is scatter, and the quantiles
are those of many draws of that line with the scatter added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import metadata, set_metadata
from sscell.errors import ParameterError, SimulationError
from sscell.protocols import Protocol
from sscell.simulation.distance import without_limits
from sscell.simulation.draws import Drawn, drawn
from sscell.simulation.processes import check_workers, in_order, workers_that_pay
from sscell.simulation.progress import Progress, parts
from sscell.simulation.simulation import simulate
from sscell.solver.cancelling import Cancelled

if TYPE_CHECKING:
    import pybamm

__all__ = ["DRAWS", "LEVEL", "Bands", "banded", "quantile_band"]

DRAWS = 24  # with the run itself: under 30 runs for a band
LEVEL = 0.9
_EMULATED = 300  # draws of the line
_ENOUGH = 20_000  # numbers with the scatter added
_STRONG = (
    0.42  # correlation of an input with what is left over: chance has less in 19 of 20
)
_MOST = 6  # inputs of one line
_LEAST = 8  # runs that a number must exist in
_KNOTS = 80  # points at which the band of a curve is computed
_ROOM = 0.05  # of the range of the runs, beyond which no band reaches
_DOUBTFUL = 0.2  # share of failed draws that is said
_NAMED = 3

Table = Mapping[Any, float | None]


@dataclass(frozen=True)
class Bands:
    """A run, and the same with drawn values.

    Parameters
    ----------
    data : xarray.Dataset
        The run itself, with the band of its curve.
    runs : list of xarray.Dataset
        With drawn values.
    positions : numpy.ndarray, shape (runs, n)
        Where each was drawn, in widths [-].
    names : list of str
        What moved.
    kept : tuple of str
        Names with a range that stayed.
    failed : int
        Draws without a result.
    seed : int
        Of the draws.
    """

    data: xr.Dataset
    runs: list[xr.Dataset] = field(repr=False)
    positions: np.ndarray = field(repr=False)
    names: list[str] = field(repr=False)
    kept: tuple[str, ...] = ()
    failed: int = 0
    seed: int = 0

    def of(self, read: Callable[[xr.Dataset], Table]) -> dict[Any, list[float] | None]:
        """Bands of numbers that are read from a run.

        Parameters
        ----------
        read : callable
            Numbers of a run, by any names.

        Returns
        -------
        dict
            Low and high by name [unit of the number], None where too few runs have the number.
        """
        own, others = read(self.data), [read(run) for run in self.runs]
        found: dict[Any, list[float] | None] = {}
        for name, value in own.items():
            values = np.array([_number(o.get(name)) for o in others])
            if value is None or np.isfinite(values).sum() < _LEAST:
                found[name] = None
                continue
            low, high = quantile_band(values[:, None], self.positions, self.seed)
            low, high = min(low[0], value), max(high[0], value)
            found[name] = [float(low), float(high)]
        return found

    def set_by(self, read: Callable[[xr.Dataset], float | None]) -> list[str]:
        """What moves a number most, the strongest first.

        Parameters
        ----------
        read : callable
            One number of a run.
        """
        values = np.array([_number(read(run)) for run in self.runs])
        good = np.isfinite(values)
        if good.sum() < _LEAST or np.ptp(values[good]) == 0:
            return []
        moves = np.abs(_correlations(self.positions[good], values[good][:, None])[:, 0])
        order = np.argsort(-moves)[:_NAMED]
        return [self.names[k] for k in order if moves[k] > _STRONG]

    def about(self) -> dict[str, Any]:
        """What to say of how the bands were made, for JSON."""
        return {
            "level": LEVEL,
            "draws": len(self.runs),
            "failed_draws": self.failed,
            "kept": list(self.kept),
            "seed": self.seed,
            "set_by": self.set_by(_capacity),
        }


def banded(
    cell: str | Cell,
    protocol: Protocol | pybamm.Experiment,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    workers: int | None = None,
    on_progress: Progress | None = None,
    **options: Any,
) -> Bands:
    """Simulate a protocol with 90 % bands.

    Parameters
    ----------
    cell : str or Cell
        A published cell, a TOML file or a loaded cell.
    protocol : Protocol
        Such as ``sscell.discharge("C/20")``.
    draws : int, optional
        Runs with drawn values.
    seed : int, optional
        Of the draws.
    workers : int, optional
        Processes; results depend on it by no more than the tolerances leave open, and with
        ``SSCELL_COMPILE=off`` not at all. Default: as many as there are processors, at most
        ``SSCELL_WORKERS``, where the runs take longer than processes do to start and can be
        handed to them, else one.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    **options
        As for `sscell.simulate`. Values that are given, among them `changes`, are known.

    Returns
    -------
    Bands
        Its `data` have ``"Voltage lower [V]"`` and ``"Voltage upper [V]"``, in a sweep of the
        voltage ``"Current lower [A]"`` and ``"Current upper [A]"``, at the time since each
        step began; a run that ended earlier stays at its last value.

    Raises
    ------
    ParameterError
        If nothing is known of how the values may differ, `workers` or ``SSCELL_WORKERS`` is no
        positive whole number, or the protocol cannot be handed to the processes asked for.
    SimulationError
        If the run itself fails, nearly all that are drawn, or a process dies. What was asked
        for last keeps the run itself as `partial`.

    Examples
    --------
    >>> import sscell
    >>> found = banded("Liang2023", sscell.discharge("0.4C"), draws=10, temperature=25,
    ...                resolution=sscell.Resolution(shells=10))
    >>> bool((found.data["Voltage lower [V]"] <= found.data["Voltage upper [V]"]).all())
    True
    """
    check_workers(workers)
    loaded = without_limits(cell if isinstance(cell, Cell) else Cell.load(cell))
    fixed = {loaded.quantity(n).name for n in options.get("changes") or {}}
    # Processes make the cells anew, so that here none is tried but those that show what
    # only moves together.
    cells = drawn(loaded, draws, seed, fixed, check=(workers or 1) == 1)
    if not cells.changes:
        raise ParameterError(
            f"{loaded.name} has no covariance, standard error or range: no band can be drawn."
        )
    shares = parts(on_progress, 1 + len(cells.changes))
    data = simulate(loaded, protocol, on_progress=next(shares), **options)
    told = {k: v for k, v in options.items() if k != "cancel"} | {"outputs": _kept(data)}
    expected = float(data.attrs.get("solve_time_s", 0.0)) * len(cells.changes)
    count = min(workers_that_pay(expected, workers), len(cells.changes))
    items = cells.cells if count == 1 and cells.cells else cells.changes
    about = (loaded, protocol, told)
    cancel, free = options.get("cancel"), workers is None
    try:
        found = in_order(_one, about, items, count, shares, cancel, or_here=free)
    except SimulationError as error:
        error.partial = data
        raise
    good = [k for k, run in enumerate(found) if run is not None]
    return _found(data, [run for run in found if run is not None], good, cells, seed)


def _one(
    drawn: Cell | Mapping[str, float],
    about: tuple[Cell, Protocol | pybamm.Experiment, Mapping[str, Any]],
    tell: Progress | None = None,
) -> xr.Dataset | None:
    """Run of a drawn cell, or None where it has no result."""
    cell, protocol, options = about
    try:
        other = drawn if isinstance(drawn, Cell) else cell.replace(drawn, "drawn")
        return simulate(other, protocol, on_progress=tell, **options)
    except Cancelled:
        raise
    except (SimulationError, ParameterError):  # such as a voltage that its window has not
        return None


def _kept(data: xr.Dataset) -> tuple[str, ...]:
    return (
        ("Electrolyte redox current [A]",)
        if "Electrolyte redox current [A]" in data
        else ()
    )


def _found(
    data: xr.Dataset, runs: list[xr.Dataset], good: list[int], cells: Drawn, seed: int
) -> Bands:
    failed = cells.failed + len(cells.changes) - len(good)
    if len(runs) < _LEAST:
        raise SimulationError(
            f"{failed} of {failed + len(runs)} runs with drawn values failed: no band.",
            data,
        )
    positions = cells.positions[good]
    if failed > _DOUBTFUL * (failed + len(runs)):
        note = f"{failed} of {failed + len(runs)} runs with drawn values failed: the band "
        notes = [*(metadata(data, "warnings") or []), note + "is that of the others."]
        set_metadata(data, warnings=notes)
    found = Bands(data, runs, positions, cells.names, cells.kept, failed, seed)
    if data.sizes.get("time"):
        swept = (metadata(data, "protocol") or {}).get("name") == "cv"
        for quantity, unit in [("Voltage", "V"), ("Current", "A")][: 1 + swept]:
            low, high = _curve(found, f"{quantity} [{unit}]")
            data[f"{quantity} lower [{unit}]"] = ("time", low)
            data[f"{quantity} upper [{unit}]"] = ("time", high)
    set_metadata(data, bands=found.about())
    return found


def _curve(bands: Bands, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of a series along the run's own times."""
    data = bands.data
    own = data[name].values
    count = own.size
    knots = np.unique(np.linspace(0, count - 1, min(count, _KNOTS)).round().astype(int))
    ends = np.flatnonzero(np.diff(data["Step"].values))
    knots = np.unique([*knots, *ends, *(ends + 1)])
    values = np.array([_at_times(run, data, name, knots) for run in bands.runs])
    low, high = quantile_band(values, bands.positions, bands.seed)
    low, high = np.fmin(low, own[knots]), np.fmax(high, own[knots])
    where = np.arange(count)
    return (
        np.minimum(np.interp(where, knots, low), own),
        np.maximum(np.interp(where, knots, high), own),
    )


def _at_times(run: xr.Dataset, data: xr.Dataset, name: str, rows: np.ndarray) -> np.ndarray:
    """A series of another run at the times of some rows, since each step began."""
    found = np.full(rows.size, np.nan)
    steps, time = data["Step"].values, data["Time [s]"].values
    there, seconds, series = run["Step"].values, run["Time [s]"].values, run[name].values
    for step in np.unique(steps[rows]):
        mine, others = steps == step, there == step
        if not others.any():
            continue
        here = steps[rows] == step
        since = time[rows[here]] - time[mine][0]
        found[here] = np.interp(since, seconds[others] - seconds[others][0], series[others])
    return found


def quantile_band(
    values: np.ndarray, positions: np.ndarray, seed: int = 0, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Band of numbers that a few runs with drawn inputs gave.

    Parameters
    ----------
    values : numpy.ndarray, shape (runs, m)
        Numbers; NaN where a run has none.
    positions : numpy.ndarray, shape (runs, n)
        Inputs of each run, of variance one [-].
    seed : int, optional
        Of the draws of the line.
    level : float, optional
        Share of all draws within the band [-].

    Returns
    -------
    low, high : numpy.ndarray, shape (m,)
        In the unit of the values; NaN where fewer than eight runs have a number.

    Examples
    --------
    >>> x = np.linspace(-1.7, 1.7, 26)[:, None]
    >>> low, high = quantile_band(3 * x, x)
    >>> bool(4 < high[0] - low[0] < 10)
    True
    """
    rng = np.random.default_rng(seed)
    # Each input anew, from the values it was drawn at: their order is what is shuffled.
    count = min(_EMULATED, max(_ENOUGH // max(len(values), 1), 50))
    anew = rng.permuted(np.resize(positions, (count, positions.shape[1])), axis=0)
    low, high = np.full((2, values.shape[1]), np.nan)
    for k, column in enumerate(values.T):
        good = np.isfinite(column)
        if good.sum() < _LEAST:
            continue
        sample = column[good]
        if np.ptp(sample) <= 1e-12 * max(np.abs(sample).max(), 1e-300):
            low[k] = high[k] = sample[0]
            continue
        many = _emulated(sample, positions[good], anew)
        low[k], high[k] = np.quantile(many, [(1 - level) / 2, (1 + level) / 2])
        # A line has no ends, what was computed has: no band reaches far beyond it.
        room = _ROOM * np.ptp(sample)
        low[k] = max(low[k], sample.min() - room)
        high[k] = min(high[k], sample.max() + room)
        if sample.min() >= 0:
            low[k] = max(low[k], 0.0)
    return low, high


def _emulated(sample: np.ndarray, inputs: np.ndarray, anew: np.ndarray) -> np.ndarray:
    """Draws of the straight line through a sample, with what it leaves over added."""
    count = sample.size
    matrix, further = np.ones((count, 1)), np.ones((len(anew), 1))
    rest = sample - sample.mean()
    for _ in range(min(_MOST, count // 4)):
        strength = np.abs(_correlations(inputs, rest[:, None])[:, 0])
        best = int(np.argmax(strength))
        if strength[best] < _STRONG:
            break
        matrix = np.column_stack([matrix, inputs[:, best]])
        further = np.column_stack([further, anew[:, best]])
        rest = sample - matrix @ np.linalg.lstsq(matrix, sample, rcond=None)[0]
    slopes = np.linalg.lstsq(matrix, sample, rcond=None)[0]
    scatter = rest * np.sqrt(count / (count - matrix.shape[1]))
    return ((further @ slopes)[:, None] + scatter[None, :]).ravel()


def _correlations(inputs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Correlation of each input with each column, shape (n, m) [-]."""
    x, y = inputs - inputs.mean(0), values - values.mean(0)
    sizes = np.outer(np.linalg.norm(x, axis=0), np.linalg.norm(y, axis=0))
    return (x.T @ y) / np.maximum(sizes, 1e-300)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _capacity(run: xr.Dataset) -> float | None:
    """Charge of a run by its mass [A.h.g-1]."""
    if "Discharge capacity [A.h]" not in run:
        return None
    mass = metadata(run, "capacity_basis_mass_g") or 1.0
    return float(np.ptp(run["Discharge capacity [A.h]"].values)) / mass
