"""Held voltages (or currents), and what settles under them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import xarray as xr

from sscell.dataset import require

__all__ = ["Hold", "find_holds"]

LEFT = 0.02  # of the settled value: less still to come counts as settled
LEAST = 8  # samples of a hold


@dataclass(frozen=True)
class Hold:
    """One held voltage and the current that it ends with.

    Parameters
    ----------
    voltage, voltage_error : float
        Held [V]; or where it settled, if the current was held.
    current, current_error : float
        Where it settles [A], and one standard error; or as held.
    settled : bool
        Whether less than 2 % of it was still to come at the end; else it is extrapolated.
    start : float
        When it began [s].
    first : float
        First current measured [A].
    duration : float
        [s]
    controlled : str
        ``"voltage"`` or ``"current"``.
    scatter : float
        Of one sample of what settles [A or V].
    """

    voltage: float
    voltage_error: float
    current: float
    current_error: float
    settled: bool
    start: float
    first: float
    duration: float
    controlled: str
    scatter: float


def find_holds(data: xr.Dataset) -> list[Hold]:
    """Stretches of constant voltage, or else of constant current, that are not rests.

    Parameters
    ----------
    data : xarray.Dataset
        Time, voltage and current.

    Returns
    -------
    list of Hold
        In order.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> t = np.linspace(0, 600, 61)
    >>> data = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 0.02,
    ...                     "Current [A]": 1e-6 + 1e-5 * np.exp(-t / 20)})
    >>> round(find_holds(data)[0].current * 1e6, 3)
    1.0
    """
    require(data, "Time [s]", "Voltage [V]", "Current [A]")
    t, v, i = (
        data[n].values.astype(float) for n in ("Time [s]", "Voltage [V]", "Current [A]")
    )
    found = _holds(t, v, i, "voltage")
    return found or _holds(t, i, v, "current")


def _holds(t: np.ndarray, x: np.ndarray, y: np.ndarray, controlled: str) -> list[Hold]:
    """Holds of x, and where y settles."""
    scale = np.abs(x).max(initial=0.0)
    if scale == 0:
        return []
    # Of third differences: a ramp is no noise.
    noise = float(np.median(np.abs(np.diff(x, 3)))) / 3 if len(x) > 3 else 0.0
    jump = max(0.02 * scale, 8 * noise)
    if controlled == "voltage":
        jump = max(min(jump, 0.005), 8 * noise, 2e-4)
    cuts = np.flatnonzero(np.abs(np.diff(x)) > jump) + 1
    edges = [0, *cuts.tolist(), len(x)]
    held = []
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        level = float(np.median(x[a:b]))
        flat = b - a >= LEAST and np.ptp(x[a:b]) < max(0.02 * abs(level), 12 * noise)
        # A rest is no hold: nothing flows.
        current = y[a:b] if controlled == "voltage" else x[a:b]
        idle = np.abs(current).max(initial=0) <= 1e-4 * np.abs(
            y if controlled == "voltage" else x
        ).max(initial=1e-30)
        if flat and not idle and abs(level) > 0.02 * scale:
            held.append((a, b, level))
    if not held or (controlled == "voltage" and not _responds(x, y, held)):
        return []
    return [_hold(t, x, y, a, b, level, controlled) for a, b, level in held]


def _responds(x: np.ndarray, y: np.ndarray, held: list[tuple[int, int, float]]) -> bool:
    """Whether the voltage is what is held: it moves less, for its size, than the current."""
    rows = np.concatenate([np.arange(a, b) for a, b, _ in held])
    moved = np.concatenate([x[a:b] - level for a, b, level in held])
    share = np.abs(moved).max() / max(np.abs(x[rows]).max(), 1e-30)
    spread = [np.ptp(y[a:b]) / max(np.abs(y[a:b]).max(), 1e-30) for a, b, _ in held]
    return bool(share < 0.02 or share < 0.2 * np.median(spread))


def _hold(
    t: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    a: int,
    b: int,
    level: float,
    controlled: str,
) -> Hold:
    since, answer = t[a:b] - t[a], y[a:b]
    value, error, settled, scatter = _settle(since, answer)
    spread = float(np.std(x[a:b]) / np.sqrt(b - a))
    pair = (level, spread, value, error)
    voltage, dv, current, di = pair if controlled == "voltage" else pair[2:] + pair[:2]
    first = float(answer[0]) if controlled == "voltage" else level
    begin, length = float(t[a]), float(since[-1])
    return Hold(
        voltage, dv, current, di, settled, begin, first, length, controlled, scatter
    )


def _settle(since: np.ndarray, answer: np.ndarray) -> tuple[float, float, bool, float]:
    """Where an answer settles, its error, whether it had, and the scatter of a sample.

    A constant with none, one or two exponentials, over the later four fifths, whichever the
    data ask for by Bayesian information: a capacitance gives one, diffusion several. It had
    settled where less than 2 % was still to come.
    """
    found = _settled(since, answer, 0.2)
    if found[4] > 1:  # diffusion has still faster parts at the begin
        found = _settled(since, answer, 0.4)
    return found[0], found[1], found[2], found[3]


def _settled(
    since: np.ndarray, answer: np.ndarray, begin: float
) -> tuple[float, float, bool, float, int]:
    """The same from a share of the time on, with the number of exponentials."""
    late = since >= begin * since[-1]
    s, y = since[late], answer[late]
    number = len(s)
    mean = float(np.mean(y))
    flat = float(np.sum((y - mean) ** 2))
    # Below the rounding of a file nothing is told apart.
    tiny = max(1e-24 * float(np.sum(y**2)), 1e-300)
    scatter = float(np.sqrt(flat / max(number - 1, 1)))
    best = mean, scatter / float(np.sqrt(number)), True, scatter, 0
    least = number * np.log(flat + tiny)
    for count in (1, 2):
        if number < 6 * count or flat <= tiny:
            break
        value, error, left, miss = _relaxed(s, y, count, float(since[-1]))
        criterion = number * np.log(miss + tiny) + 2 * count * np.log(number)
        if criterion < least:
            scatter = float(np.sqrt(miss / max(number - 1 - 2 * count, 1)))
            settled = bool(left < LEFT * abs(value))
            best = value, error * scatter, settled, scatter, count
            least = criterion
    return best


def _relaxed(
    s: np.ndarray, y: np.ndarray, count: int, length: float
) -> tuple[float, float, float, float]:
    """Constant and exponentials: it, its error by unit scatter, what is left, the misfit."""
    from scipy.optimize import least_squares

    grid = np.log(np.geomspace(length / 60, 3 * length, 40))
    decays = np.column_stack([np.ones_like(s), *(np.exp(-s / np.exp(x)) for x in grid)])
    gram, moment = decays.T @ decays, decays.T @ y

    def gain(rows: tuple[int, ...]) -> float:
        at = [0, *(r + 1 for r in rows)]
        part, *_ = np.linalg.lstsq(gram[np.ix_(at, at)], moment[at], rcond=1e-12)
        return float(part @ moment[at])

    rows = max(combinations(range(len(grid)), count), key=gain)

    def columns(logs: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones_like(s), *(np.exp(-s / np.exp(x)) for x in logs)])

    def project(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fit, *_ = np.linalg.lstsq(columns(logs), y, rcond=None)
        return fit, y - columns(logs) @ fit

    scale = float(np.abs(y).max())
    step = grid[1] - grid[0]
    found = least_squares(
        lambda x: project(x)[1] / scale,
        grid[list(rows)],
        bounds=(grid[list(rows)] - 3 * step, grid[list(rows)] + 3 * step),
        xtol=1e-8,
    )
    fit, miss = project(found.x)
    taus = np.exp(found.x)
    # Of the time constants too: their derivatives are columns as well.
    slopes = [a * s / t * np.exp(-s / t) for a, t in zip(fit[1:], taus, strict=True)]
    full = np.column_stack([columns(found.x), *slopes])
    sizes = np.maximum(np.linalg.norm(full, axis=0), 1e-300)
    covariance = np.linalg.pinv((full / sizes).T @ (full / sizes), rcond=1e-12)
    error = float(np.sqrt(covariance[0, 0]) / sizes[0])
    left = float(abs(fit[1:] @ np.exp(-length / taus)))
    return float(fit[0]), error, left, float(miss @ miss)
