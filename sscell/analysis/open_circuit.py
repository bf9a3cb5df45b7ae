"""Open-circuit voltage of a material from a slow cycle, the rests of a titration, or a table.

**Branches.** The last whole half cycle of each direction is a branch: potential over the share of
the guest, 0 where it is out and 1 where it is in. Of a titration only the ends of its rests count.

**Loss.** Where a charge passes more than the discharge returns, the excess went elsewhere at the
cathode: more of it the higher the potential. It is taken out of both as a current that grows as
exp(V/w), with the w at which the branches lie the most evenly apart: so no plateau is moved by
charge that was never stored.

**Noise.** Samples are averaged over even steps of the way along the curve (charge and voltage
alike), made monotone by isotonic regression, and thinned to the points whose shape-preserving
interpolant stays within a tolerance of all others.

**Hysteresis.** The mean gap between the branches, where they overlap. Below a threshold it is
the polarisation of the slow cycle, and the branches become one: their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import HalfCycle, half_cycles
from sscell.errors import DataError, ParameterError

__all__ = ["Loss", "OpenCircuit", "open_circuit", "open_circuit_of_points"]

_STEPS = 400  # even steps along a branch
_MOST = 120  # points of a table
_NEAREST = 1e-3  # of the charge: nearer points would make cliffs that no solver climbs
_SAME = 0.020  # V: a smaller mean gap is polarisation, not hysteresis
_LOST = 2e-3  # of the charge: less is noise
_WHOLE = 0.9  # of the widest half cycle
# Distances are orthogonal: a hundredth of the charge counts as much as this.
_SLIP, _SCALE = 0.01, 0.005  # -, V
_FEWEST = 12  # samples of a branch
_RESTING = 0.05  # of the largest current: less is none
_TITRATED = 0.2  # rests of a titration last at least so long as their pulses
_DAMPED = 0.5  # of that trend: one difference between two cycles is as much noise as trend
_STEADY, _ERRATIC = 0.02, 0.3  # change of a loss from cycle to cycle that is a trend
_RISES = (0.01, 0.02)  # V, of the span: an OCV that rises by more is none
_OVERLAP = (0.05, 0.95)  # of the charge, where branches are compared


@dataclass(frozen=True)
class Loss:
    """Current that goes elsewhere: `current` times (1 + growth q) exp((V - potential)/width).

    Parameters
    ----------
    current : float
        As the last whole cycle began [A].
    potential, width : float
        [V].
    growth : float, optional
        Relative change per q, the charge that is gone over that of a half cycle [-]: half of
        what the last two cycles after the first show.

    Examples
    --------
    >>> Loss(1e-6, 4.2, 0.1).width
    0.1
    """

    current: float
    potential: float
    width: float
    growth: float = 0.0


@dataclass(frozen=True, eq=False)
class OpenCircuit:
    """Potential over filling, perhaps with a branch for each direction.

    Parameters
    ----------
    filling : numpy.ndarray, shape (n,)
        0: the guest is out, 1: it is in, within the window [-].
    discharge, charge : numpy.ndarray, shape (n,)
        Falling [V]; the same where there is no hysteresis.
    capacity : float
        Charge between 0 and 1 [A.h].
    hysteresis : float or None
        Mean gap of the branches [V]; None with one branch.
    rms : float
        Of the samples about the table [V].
    window : tuple of float
        Lowest and highest potential of the samples [V].
    returned : float or None
        Charge of the discharge over that of the charge [-]; None with one branch.
    loss : Loss or None
        None where everything came back, or with one branch.

    Examples
    --------
    >>> x = np.linspace(0, 1, 50)
    >>> found = open_circuit_of_points(x, 4 - x, capacity=1e-3)
    >>> round(found.columns()["potential"][0], 4)
    4.0
    """

    filling: np.ndarray
    discharge: np.ndarray
    charge: np.ndarray
    capacity: float
    hysteresis: float | None
    rms: float
    window: tuple[float, float]
    returned: float | None = None
    loss: Loss | None = None

    @property
    def has_branches(self) -> bool:
        """Whether discharge and charge differ."""
        return not np.array_equal(self.discharge, self.charge)

    def columns(self, offset: float = 0.0) -> dict[str, list[float]]:
        """Columns of an OCV table.

        Parameters
        ----------
        offset : float, optional
            Added to the potentials [V].

        Returns
        -------
        dict of str to list of float
            ``filling`` with ``potential``, or with ``discharge`` and ``charge``.
        """
        x = [round(float(v), 6) for v in self.filling]
        down = [round(float(v) + offset, 6) for v in self.discharge]
        if not self.has_branches:
            return {"filling": x, "potential": down}
        up = [round(float(v) + offset, 6) for v in self.charge]
        return {"filling": x, "discharge": down, "charge": up}


def open_circuit(
    data: xr.Dataset | Sequence[xr.Dataset],
    half: str = "both",
    window: tuple[float, float] | None = None,
) -> OpenCircuit:
    """Open-circuit voltage from slow half cycles.

    Parameters
    ----------
    data : xarray.Dataset or sequence of xarray.Dataset
        Measured or simulated, with time, current and voltage.
    half : str, optional
        ``"both"``, ``"discharge"`` or ``"charge"``.
    window : tuple of float, optional
        Lower and upper voltage [V]: what lies outside is left out.

    Returns
    -------
    OpenCircuit

    Raises
    ------
    ParameterError
        If `half` is none of these, or the window holds nothing.
    DataError
        If there is no such half cycle.
    """
    if half not in ("both", "discharge", "charge"):
        raise ParameterError(
            f"There is no half '{half}'; allowed: both, discharge, charge."
        )
    sets = [data] if isinstance(data, xr.Dataset) else list(data)
    halves = [h for one in sets for h in half_cycles(one)]
    branches = {}
    for direction in ("discharge", "charge"):
        if half in ("both", direction):
            found = [h for h in halves if h.direction == direction]
            whole = [
                h for h in found if _travelled(h) > _WHOLE * max(map(_travelled, found))
            ]
            if whole:
                branches[direction] = _branch(whole[-1], window)
    if not branches:
        raise DataError(
            f"The data have no {'half cycle' if half == 'both' else half} to make an OCV of."
        )
    returned = loss = None
    if len(branches) == 2:
        returned = branches["discharge"].charge / branches["charge"].charge
        loss = _growing(_take_out_loss(branches), halves)
    return _joined(branches, returned, loss)


def open_circuit_of_points(
    filling: Iterable[float], potential: Iterable[float], capacity: float
) -> OpenCircuit:
    """Open-circuit voltage from a table of equilibrium points, such as literature's.

    Parameters
    ----------
    filling : iterable of float
        Charge of the guest taken up, in any unit, in any order.
    potential : iterable of float
        [V].
    capacity : float
        Between the first and the last filling [A.h].

    Returns
    -------
    OpenCircuit

    Raises
    ------
    DataError
        If there are too few points, or they do not fall.
    """
    x, u = np.asarray(list(filling), float), np.asarray(list(potential), float)
    if x.size != u.size or x.size < _FEWEST:
        raise DataError(
            f"An OCV needs at least {_FEWEST} pairs of filling and potential, not "
            f"{min(x.size, u.size)}."
        )
    order = np.argsort(x, kind="stable")
    x, u = x[order], u[order]
    if u[-1] >= u[0]:
        raise DataError(
            "The potential of an OCV falls as the guest goes in; this one rises."
        )
    _check_falls(x, u)
    share = (x - x[0]) / (x[-1] - x[0])
    return _joined({"discharge": _Branch("discharge", share * capacity, u, capacity)})


def _check_falls(x: np.ndarray, u: np.ndarray) -> None:
    """Refuse a curve that rises by more than noise."""
    rise = u - np.minimum.accumulate(u)
    k = int(np.argmax(rise))
    if rise[k] > max(_RISES[0], _RISES[1] * float(np.ptp(u))):
        begin = int(np.argmin(u[: k + 1]))
        raise DataError(
            f"The potential of an OCV falls as the guest goes in; this one rises by "
            f"{rise[k] * 1e3:.0f} mV between {x[begin]:.4g} and {x[k]:.4g}: it is not monotone."
        )


def _travelled(half: HalfCycle) -> float:
    """How much of window and charge a half cycle saw."""
    return float(np.ptp(half.voltage)) * half.capacity


@dataclass(frozen=True, eq=False)
class _Branch:
    """One half cycle: potential over the charge since its start."""

    direction: str
    charge_of_samples: np.ndarray  # A.h, from zero on
    potential: np.ndarray  # V
    current: float  # A, its magnitude

    @property
    def charge(self) -> float:
        return float(self.charge_of_samples[-1])

    @property
    def filling(self) -> np.ndarray:
        share = self.charge_of_samples / self.charge
        return share if self.direction == "discharge" else 1 - share

    def stored(self, gained: np.ndarray, whole: float) -> _Branch:
        """The branch with the charge that a loss adds to what was passed."""
        passed = self.charge_of_samples + gained
        return replace(self, charge_of_samples=passed * (whole / passed[-1]))


def _branch(half: HalfCycle, window: tuple[float, float] | None) -> _Branch:
    size = np.abs(half.current)
    flows = size > 0.2 * np.median(size[size > _RESTING * size.max()])
    rested = _rested(flows, half.time)
    rows = flows if rested is None else rested
    q, v = half.charge[rows], half.voltage[rows]
    if window is not None:
        low, high = window
        inside = (v >= low) & (v <= high)
        if inside.sum() < _FEWEST:
            raise ParameterError(
                f"The {half.direction} has fewer than {_FEWEST} samples between {low:g} and "
                f"{high:g} V."
            )
        q, v = q[inside], v[inside]
    if q.size < _FEWEST:
        raise DataError(
            f"The {half.direction} has {q.size} samples, too few for an OCV ({_FEWEST})."
        )
    return _Branch(half.direction, q - q[0], v, float(np.median(size[flows])))


def _rested(flows: np.ndarray, time: np.ndarray) -> np.ndarray | None:
    """Last rows of the rests of a titration; None where the current flows throughout."""
    after = np.append(flows[1:], True)
    ends = np.flatnonzero(~flows & after)
    moving = float(np.sum(np.diff(time)[flows[1:] & flows[:-1]]))
    still = float(np.ptp(time)) - moving
    return ends if ends.size >= _FEWEST and still > _TITRATED * moving else None


def _joined(
    branches: dict[str, _Branch], returned: float | None = None, loss: Loss | None = None
) -> OpenCircuit:
    smooth = {name: _smooth(branch) for name, branch in branches.items()}
    grid = (
        np.union1d(*(x for x, _ in smooth.values()))
        if len(smooth) > 1
        else next(iter(smooth.values()))[0]
    )
    grid = _apart(grid)
    on_grid = {name: np.interp(grid, x, u) for name, (x, u) in smooth.items()}
    gap = None
    if len(on_grid) == 2:
        inner = (grid > _OVERLAP[0]) & (grid < _OVERLAP[1])
        apart = on_grid["charge"] - on_grid["discharge"]
        gap = float(np.trapezoid(apart[inner], grid[inner]) / np.ptp(grid[inner]))
        if gap < _SAME:
            on_grid = {"mean": (on_grid["charge"] + on_grid["discharge"]) / 2}
        else:
            # Where noise or the ends let the branches cross, they touch.
            middle = (on_grid["charge"] + on_grid["discharge"]) / 2
            on_grid["charge"] = np.maximum(on_grid["charge"], middle)
            on_grid["discharge"] = np.minimum(on_grid["discharge"], middle)
    on_grid = {name: _falling(u) for name, u in on_grid.items()}
    keep = _thinned(grid, list(on_grid.values()))
    kept = {name: _strictly(u[keep]) for name, u in on_grid.items()}
    curves = list(kept.values())
    down = kept.get("discharge", curves[0])
    up = kept.get("charge", curves[0])
    if len(kept) == 1:
        up = down = curves[0]
    return OpenCircuit(
        filling=grid[keep],
        discharge=down,
        charge=up,
        capacity=next(iter(branches.values())).charge,
        hysteresis=gap,
        rms=_misfit(branches, grid[keep], down, up),
        window=(
            float(min(b.potential.min() for b in branches.values())),
            float(max(b.potential.max() for b in branches.values())),
        ),
        returned=returned,
        loss=loss,
    )


def _take_out_loss(branches: dict[str, _Branch]) -> Loss | None:
    """Take the charge that did not come back out of both branches."""
    down, up = branches["discharge"], branches["charge"]
    excess = up.charge - down.charge
    if excess < _LOST * up.charge:
        return None
    grid = np.linspace(*_OVERLAP, 400)
    top = float(max(up.potential.max(), down.potential.max()))

    def without(width: float) -> tuple[_Branch, _Branch, float]:
        growths = [_lost(branch, top, width) for branch in (down, up)]
        current = excess / sum(growth[-1] for growth in growths)
        # The discharge lost charge too: what was stored lies between the two.
        stored = down.charge + current * growths[0][-1]
        return (
            down.stored(current * growths[0], stored),
            up.stored(-current * growths[1], stored),
            current,
        )

    def unevenness(width: float) -> float:
        lower, upper, _ = without(width)
        gap = np.interp(grid, *_smooth(upper)) - np.interp(grid, *_smooth(lower))
        return float(np.std(gap))

    width = float(min(np.geomspace(0.03, 3.0, 25), key=unevenness))
    branches["discharge"], branches["charge"], current = without(width)
    return Loss(current, top, width)


def _growing(loss: Loss | None, halves: Sequence[HalfCycle]) -> Loss | None:
    """The loss with its change from one cycle to the next, where there are enough cycles."""
    most = {"discharge": 0.0, "charge": 0.0}
    for half in halves:
        most[half.direction] = max(most[half.direction], _travelled(half))
    whole = [h for h in halves if _travelled(h) > _WHOLE * most[h.direction]]
    excess = [
        up.capacity - down.capacity
        for up, down in pairwise(whole)
        if (up.direction, down.direction) == ("charge", "discharge")
    ]
    # What a first charge passes in excess is of its own kind.
    if loss is None or len(excess) < 3 or min(excess[-2:]) <= 0:
        return loss
    change = 1 - excess[-2] / excess[-1]
    if not _STEADY < abs(change) < _ERRATIC:
        return loss
    growth = _DAMPED * change * whole[-1].capacity / excess[-1]
    current = loss.current / (1 + _DAMPED * change / 2)
    return replace(loss, current=current, growth=growth)


def _lost(branch: _Branch, top: float, width: float) -> np.ndarray:
    """Integral over time of exp((V - top)/w) up to each sample [h]."""
    growth = np.exp((branch.potential - top) / width)
    steps = np.diff(branch.charge_of_samples) * (growth[1:] + growth[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)]) / branch.current


def _smooth(branch: _Branch) -> tuple[np.ndarray, np.ndarray]:
    """Means over even steps along the curve, falling."""
    order = np.argsort(branch.filling, kind="stable")
    x, u = branch.filling[order], branch.potential[order]
    span = max(float(np.ptp(u)), 1e-9)
    level = _falling(u)
    way = np.concatenate(
        [[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(level)) / span)]
    )
    edges = np.linspace(0, way[-1], min(_STEPS, max(x.size // 3, _FEWEST)) + 1)
    place = np.clip(np.searchsorted(edges, way, side="right") - 1, 0, edges.size - 2)
    count = np.bincount(place, minlength=edges.size - 1)
    some = count > 0
    mean_x = np.bincount(place, x, edges.size - 1)[some] / count[some]
    mean_u = np.bincount(place, u, edges.size - 1)[some] / count[some]
    # The ends are samples of their own: means would cut half a step off the window.
    inner = (mean_x > 0) & (mean_x < 1)
    places = np.concatenate([[0.0], mean_x[inner], [1.0]])
    values = np.concatenate([[level[0]], mean_u[inner], [level[-1]]])
    return places, _falling(values)


def _apart(grid: np.ndarray) -> np.ndarray:
    """Places of which none are nearer to each other than a table can bear."""
    places = [0.0]
    for x in grid:
        if x - places[-1] >= _NEAREST and x <= 1 - _NEAREST:
            places.append(float(x))
    return np.array([*places, 1.0])


def _falling(u: np.ndarray) -> np.ndarray:
    """Nearest sequence that never rises."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(u, increasing=False).x)


def _strictly(u: np.ndarray) -> np.ndarray:
    """A sequence that never rises, tilted so that it falls by a microvolt at least."""
    tilt = np.arange(u.size, dtype=float)
    return u - 2e-6 * (tilt - tilt.mean())


def _thinned(x: np.ndarray, curves: list[np.ndarray]) -> np.ndarray:
    """Points whose interpolant stays as near to all others as their number allows."""
    from scipy.interpolate import PchipInterpolator

    keep = sorted({0, x.size - 1, x.size // 2})
    tolerance = 1e-4  # V
    while len(keep) < min(_MOST, x.size):
        errors = np.zeros(x.size)
        for u in curves:
            errors = np.maximum(errors, np.abs(PchipInterpolator(x[keep], u[keep])(x) - u))
        if errors.max() < tolerance:
            break
        worst = [
            a + int(np.argmax(errors[a:b]))
            for a, b in zip(keep[:-1], keep[1:], strict=True)
            if errors[a:b].max() >= tolerance
        ]
        worst.sort(key=lambda k: -errors[k])
        keep = sorted({*keep, *worst[: max(1, min(len(worst), _MOST - len(keep)))]})
    return np.array(keep)


def _misfit(
    branches: dict[str, _Branch],
    x: np.ndarray,
    down: np.ndarray,
    up: np.ndarray,
) -> float:
    from scipy.interpolate import PchipInterpolator

    squares: list[Any] = []
    for name, branch in branches.items():
        share, u = branch.filling, branch.potential
        curve = PchipInterpolator(x, up if name == "charge" else down)
        along = 1 + (curve.derivative()(share) * _SLIP / _SCALE) ** 2
        squares.append((curve(share) - u) ** 2 / along)
    return float(np.sqrt(np.mean(np.concatenate(squares))))
