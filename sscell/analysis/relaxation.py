"""Distribution of relaxation times of a spectrum, regularised and non-negative."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.spectra import inductive_begin, one_spectrum
from sscell.errors import DataError, ParameterError

__all__ = ["FEWEST", "Drt", "drt"]

FEWEST = 8  # frequencies that a distribution is found from

FAR = 2.5  # decades from which on one process does not shade another
BLOCKING = 0.7  # least exponent of a tail that blocks; a flatter one is diffusion


@dataclass(frozen=True)
class Drt:
    """Distribution of relaxation times.

    Parameters
    ----------
    tau : numpy.ndarray
        Relaxation times [s], ascending.
    gamma : numpy.ndarray
        Density over ln(tau) [Ohm].
    series_resistance : float
        High-frequency resistance [Ohm].
    inductance : float
        [H].
    series_capacity : float
        Of a blocking element [F s^(n-1)]; infinite where there is none.
    series_exponent : float
        Its n: 1 for a capacitor, less for a constant-phase element [-].
    loop_resistance, loop_tau : float
        Of an inductive loop at the slow end, ``-R/(1 + i w tau)`` [Ohm, s]; zero where
        there is none.
    regularisation : float
        The lambda used, relative [-].
    residual : float
        Root mean square of ``(Z - Z_fit)/|Z|`` [-].
    peaks : list of dict
        ``tau_s``, ``frequency_Hz``, ``height_ohm``, ``area_ohm`` and ``closed``: whether
        all of it above half its height lies within the measured range.
    warnings : list of str
        What to doubt.
    """

    tau: np.ndarray = field(repr=False)
    gamma: np.ndarray = field(repr=False)
    series_resistance: float
    inductance: float
    series_capacity: float
    series_exponent: float
    loop_resistance: float
    loop_tau: float
    regularisation: float
    residual: float
    peaks: list[dict[str, Any]]
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        capacity = self.series_capacity
        return {
            "tau_s": self.tau.tolist(),
            "gamma_ohm": self.gamma.tolist(),
            "series_resistance_ohm": self.series_resistance,
            "inductance_H": self.inductance,
            "series_capacity_F": capacity if np.isfinite(capacity) else None,
            "series_exponent": self.series_exponent,
            "loop": {"resistance_ohm": self.loop_resistance, "tau_s": self.loop_tau}
            if self.loop_resistance
            else None,
            "lambda": self.regularisation,
            "residual": self.residual,
            "peaks": self.peaks,
        }


def drt(
    data: xr.Dataset,
    *,
    regularisation: float | None = None,
    per_decade: int = 12,
    blocking: bool | None = None,
) -> Drt:
    r"""Distribution of relaxation times, regularised and non-negative.

    Parameters
    ----------
    data : xarray.Dataset
        One spectrum.
    regularisation : float, optional
        Lambda [-]; default: found by cross-validation between the frequencies.
    per_decade : int, optional
        Relaxation times per decade, 4 to 40.
    blocking : bool, optional
        Whether a series capacitor is part of the model; default: where the impedance
        still turns capacitive at the lowest frequency.

    Returns
    -------
    Drt
        With the peaks, their areas between the minima beside them.

    Raises
    ------
    DataError
        If there are fewer than 8 frequencies.
    ParameterError
        If an option is out of range.

    Notes
    -----
    ``Z = R + i w L + 1/((i w)^n C) + int gamma(ln tau)/(1 + i w tau) d ln tau`` with
    ``tau = 1/(2 pi f)`` at a peak, so gamma is in Ohm and its area over ln(tau) is a
    resistance. The exponent n of a blocking tail is that of its last third of a decade, and
    at least 0.7. Where Im Z turns inductive at the slow end, one loop
    ``-R_l/(1 + i w tau_l)`` is added, with the tau_l that fits best. A peak counts where it
    stands out by 5 % of the largest gamma within two and a half decades; what is further
    away counts less, tenfold for each decade, and hides no arc. A peak stands at the
    centre of its part above half height. gamma is piecewise linear in ln(tau), reaches half
    a decade beyond the slowest datum, and
    minimises ``|(Z - Z_fit)/|Z||^2 + lambda int (g'')^2 d ln tau`` with g = gamma over
    the range of Z', all terms >= 0 (NNLS). Lambda, 1e-4 to 1e3, is the one that best
    predicts every fifth frequency left out, in turn; of those within one standard error
    of that, and 20 %, the largest is taken.

    Source: Wan et al., Electrochim. Acta 184 (2015) 483,
    doi:10.1016/j.electacta.2015.09.097.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, -1, 61)
    >>> z = 10 + 50 / (1 + (2j * np.pi * f * 1e-2) ** 0.8)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> peak = drt(data).peaks[0]
    >>> round(peak["area_ohm"]), round(peak["tau_s"], 3)
    (50, 0.01)
    """
    f, z = one_spectrum(data)
    if len(f) < FEWEST:
        raise DataError(
            f"A DRT needs at least {FEWEST} frequencies; the spectrum has {len(f)}."
        )
    if not 4 <= per_decade <= 40:
        raise ParameterError(f"per_decade is {per_decade}; allowed is 4 to 40.")
    if regularisation is not None and not regularisation > 0:
        raise ParameterError(f"regularisation is {regularisation}; it must be positive.")
    if blocking is None:
        blocking = bool(-z[-1].imag > 0.3 * abs(z[-1]))
    exponent = _tail_exponent(f, z, per_decade) if blocking else 0.0
    problem = _DrtProblem.build(f, z, per_decade, exponent, _loop_time(f, z, per_decade))
    chosen = regularisation or problem.cross_validate()
    x = problem.solve(chosen)
    return _drt_result(problem, x, chosen, f, z)


def _tail_exponent(f: np.ndarray, z: np.ndarray, per_decade: int) -> float:
    """Exponent of a constant-phase element at the slow end: the slope there, then the fit."""
    last = f <= max(f[-1] * 10 ** (1 / 3) * 1.001, f[-4])
    slope = -np.polyfit(np.log(f[last]), np.log(np.maximum(-np.imag(z[last]), 1e-30)), 1)[0]
    tried = np.unique(np.clip(slope + np.linspace(-0.03, 0.03, 13), BLOCKING, 1.0))
    misses = np.array([_miss(f, z, per_decade, float(n), 0.0) for n in tried])
    # A steeper tail than the true one can be made up for by a distribution, a flatter cannot.
    return float(tried[int(np.argmax(misses <= 1.15 * misses.min()))])


def _miss(
    f: np.ndarray, z: np.ndarray, per_decade: int, exponent: float, loop: float
) -> float:
    problem = _DrtProblem.build(f, z, min(per_decade, 10), exponent, loop)
    return float(np.sum((problem.matrix @ problem.solve(1e-2) - problem.target) ** 2))


def _loop_time(f: np.ndarray, z: np.ndarray, per_decade: int) -> float:
    """Time constant of an inductive loop at the slow end [s]; 0 where there is none."""
    begin = inductive_begin(f, z)
    if not begin:
        return 0.0
    slow = 1 / (2 * np.pi * f.min())
    tried = np.geomspace(0.3 / (2 * np.pi * begin), 3 * slow, 24)
    return float(min(tried, key=lambda tau: _miss(f, z, per_decade, 0.0, float(tau))))


@dataclass(frozen=True)
class _DrtProblem:
    """Least squares of the DRT: columns are gamma, then R, L, 1/C and the loop."""

    tau: np.ndarray
    matrix: np.ndarray
    target: np.ndarray
    roughness: np.ndarray
    scale: np.ndarray
    points: int
    exponent: float
    loop: float

    @classmethod
    def build(
        cls, f: np.ndarray, z: np.ndarray, per_decade: int, exponent: float, loop: float
    ) -> _DrtProblem:
        omega = 2 * np.pi * f
        low, high = np.log(1 / omega.max()), np.log(1 / omega.min())
        margin = np.log(10) / 2
        count = int(np.ceil((high - low + margin) / np.log(10) * per_decade)) + 1
        s = np.linspace(low, high + margin, count)
        kernel = _hat_kernel(omega, s)
        extra = [np.ones_like(omega) + 0j, 1j * omega]
        if exponent:
            extra.append((1j * omega) ** -exponent)
        if loop:
            extra.append(-1 / (1 + 1j * omega * loop))
        columns = np.column_stack([kernel, *extra])
        span = max(np.ptp(np.real(z)), 1e-12)
        scale = np.full(columns.shape[1], span)
        scale[count:] = [1 / np.abs(c).max() * np.abs(z).max() for c in extra]
        weighted = columns * scale / np.abs(z)[:, None]
        rough = np.zeros((count, columns.shape[1]))
        second = np.diff(np.eye(count + 2), 2, axis=0)[:, 1:-1]
        # Scaled so that lambda means the same for any grid.
        rough[:, :count] = second / (s[1] - s[0]) ** 1.5
        target = z / np.abs(z)
        return cls(
            np.exp(s),
            np.vstack([weighted.real, weighted.imag]),
            np.concatenate([target.real, target.imag]),
            rough,
            scale,
            len(f),
            exponent,
            loop,
        )

    def solve(self, strength: float, rows: np.ndarray | None = None) -> np.ndarray:
        from scipy.optimize import nnls

        keep = slice(None) if rows is None else np.concatenate([rows, rows])
        a = np.vstack([self.matrix[keep], np.sqrt(strength) * self.roughness])
        b = np.concatenate([self.target[keep], np.zeros(len(self.roughness))])
        return nnls(a, b, maxiter=30 * a.shape[1])[0]

    def cross_validate(self) -> float:
        strengths = np.logspace(-4, 3, 15)
        errors = np.zeros((len(strengths), 5))
        for fold in range(5):
            left_out = np.arange(self.points) % 5 == fold
            both = np.concatenate([left_out, left_out])
            for k, strength in enumerate(strengths):
                x = self.solve(strength, ~left_out)
                miss = self.matrix[both] @ x - self.target[both]
                errors[k, fold] = np.mean(miss**2)
        mean = errors.mean(axis=1)
        best = int(np.argmin(mean))
        spread = errors[best].std(ddof=1) / np.sqrt(5)
        bound = mean[best] + min(spread, 0.2 * mean[best])
        good = np.flatnonzero(mean <= bound)
        return float(strengths[good.max()])


def _hat_kernel(omega: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Integral of a triangle of height 1 around each ln(tau) against the Debye kernel."""
    nodes, weights = np.polynomial.legendre.leggauss(6)
    step = s[1] - s[0]
    kernel = np.zeros((len(omega), len(s)), dtype=complex)
    for x, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        for side in (-1, 1):
            tau = np.exp(s + side * x * step)
            kernel += weight * step * (1 - x) / (1 + 1j * omega[:, None] * tau)
    return kernel


def _drt_result(
    problem: _DrtProblem, x: np.ndarray, strength: float, f: np.ndarray, z: np.ndarray
) -> Drt:
    count = len(problem.tau)
    values = x * problem.scale
    gamma, rest = values[:count], values[count:]
    miss = problem.matrix @ x - problem.target
    residual = float(np.sqrt(np.mean(miss**2) * 2))
    peaks = _drt_peaks(problem.tau, gamma, f, z, residual)
    notes = []
    if residual > 0.03:
        notes.append(f"The DRT misses the spectrum by {residual:.1%} (rms of |Z|).")
    if any(not p["closed"] for p in peaks):
        notes.append(
            "A DRT peak lies at the edge of the measured frequencies; its area is not a "
            "resistance of one process (diffusion, blocking, or cut off)."
        )
    blocked, looped = problem.exponent > 0, problem.loop > 0
    capacity = 1 / rest[2] if blocked and rest[2] > 0 else np.inf
    loop = -float(rest[-1]) if looped else 0.0
    if looped:
        notes.append(
            f"Im Z turns inductive at low frequency: a loop of {loop:.3g} Ohm at "
            f"{problem.loop:.2g} s, which no distribution of relaxation times holds, was "
            "fitted beside it."
        )
    return Drt(
        problem.tau,
        gamma,
        float(rest[0]),
        float(rest[1]),
        float(capacity),
        problem.exponent,
        loop,
        problem.loop,
        strength,
        residual,
        peaks,
        notes,
    )


def _drt_peaks(
    tau: np.ndarray, gamma: np.ndarray, f: np.ndarray, z: np.ndarray, residual: float
) -> list[dict[str, Any]]:
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import find_peaks

    s = np.log(tau)
    fine = np.linspace(s[0], s[-1], 20 * len(s))
    curve = PchipInterpolator(s, gamma)(fine)
    modulus = np.interp(-fine, np.log(2 * np.pi * f[::-1]), np.abs(z)[::-1])
    padded = np.concatenate([[0], curve, [0]])
    found, _ = find_peaks(
        padded, prominence=np.concatenate([[0], 0.05 * _about(curve, fine), [0]])
    )
    found -= 1
    valleys = [
        a + int(np.argmin(curve[a:b])) for a, b in zip(found, found[1:], strict=False)
    ]
    edges = [0, *valleys, len(fine) - 1]
    inside = (1 / (2 * np.pi * f.max()), 1 / (2 * np.pi * f.min()))
    peaks = []
    for k, at in enumerate(found):
        part = slice(edges[k], edges[k + 1] + 1)
        area = float(np.trapezoid(curve[part], fine[part]))
        if area < max(1e-3, 4 * residual) * modulus[at]:
            continue
        left, middle, right = np.exp(_middle(fine[part], curve[part], at - edges[k]))
        time = float(middle)
        peaks.append(
            {
                "tau_s": time,
                "frequency_Hz": 1 / (2 * np.pi * time),
                "height_ohm": float(curve[at]),
                "area_ohm": area,
                "closed": bool(inside[0] <= left and right <= inside[1]),
            }
        )
    return peaks


def _about(curve: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Largest gamma about each time constant; what is far away counts less."""
    decades = np.abs(s[:, None] - s[None, ::20]) / np.log(10)
    coarse = np.array([curve[k : k + 20].max() for k in range(0, len(curve), 20)])
    weight = 10.0 ** -np.maximum(decades - FAR, 0)
    return np.max(weight * coarse, axis=1)


def _middle(s: np.ndarray, curve: np.ndarray, at: int) -> tuple[float, float, float]:
    """Begin, centre of mass and end of the part of a peak above half its height."""
    low = curve < 0.5 * curve[at]
    left = at - int(np.argmax(low[at::-1])) if low[: at + 1].any() else 0
    right = at + int(np.argmax(low[at:])) if low[at:].any() else len(s) - 1
    part = slice(left, right + 1)
    centre = np.trapezoid(curve[part] * s[part], s[part]) / np.trapezoid(
        curve[part], s[part]
    )
    return float(s[left]), float(centre), float(s[right])
