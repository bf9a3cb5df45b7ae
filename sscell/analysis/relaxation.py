"""Distribution of relaxation times of a spectrum, regularised and non-negative."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.spectra import one_spectrum
from sscell.errors import DataError, ParameterError

__all__ = ["FEWEST", "Drt", "drt"]

FEWEST = 8  # frequencies that a distribution is found from


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
        Of a blocking element [F]; infinite where there is none.
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
    ``Z = R + i w L + 1/(i w C) + int gamma(ln tau)/(1 + i w tau) d ln tau`` with
    ``tau = 1/(2 pi f)`` at a peak, so gamma is in Ohm and its area over ln(tau) is a
    resistance. A peak stands at the centre of its part above half height. gamma is
    piecewise linear in ln(tau), reaches half a decade beyond the slowest datum, and
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
    problem = _DrtProblem.build(f, z, per_decade, blocking)
    chosen = regularisation or problem.cross_validate()
    x = problem.solve(chosen)
    return _drt_result(problem, x, chosen, f, z)


@dataclass(frozen=True)
class _DrtProblem:
    """Least squares of the DRT: columns are gamma, then R, L and 1/C."""

    tau: np.ndarray
    matrix: np.ndarray
    target: np.ndarray
    roughness: np.ndarray
    scale: np.ndarray
    points: int

    @classmethod
    def build(
        cls, f: np.ndarray, z: np.ndarray, per_decade: int, blocking: bool
    ) -> _DrtProblem:
        omega = 2 * np.pi * f
        low, high = np.log(1 / omega.max()), np.log(1 / omega.min())
        margin = np.log(10) / 2
        count = int(np.ceil((high - low + margin) / np.log(10) * per_decade)) + 1
        s = np.linspace(low, high + margin, count)
        kernel = _hat_kernel(omega, s)
        extra = [np.ones_like(omega) + 0j, 1j * omega]
        if blocking:
            extra.append(1 / (1j * omega))
        columns = np.column_stack([kernel, *extra])
        span = max(np.ptp(z.real), 1e-12)
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
    peaks = _drt_peaks(problem.tau, gamma, f)
    notes = []
    if residual > 0.03:
        notes.append(f"The DRT misses the spectrum by {residual:.1%} (rms of |Z|).")
    if any(not p["closed"] for p in peaks):
        notes.append(
            "A DRT peak lies at the edge of the measured frequencies; its area is not a "
            "resistance of one process (diffusion, blocking, or cut off)."
        )
    capacity = 1 / rest[2] if len(rest) > 2 and rest[2] > 0 else np.inf
    return Drt(
        problem.tau,
        gamma,
        float(rest[0]),
        float(rest[1]),
        float(capacity),
        strength,
        residual,
        peaks,
        notes,
    )


def _drt_peaks(tau: np.ndarray, gamma: np.ndarray, f: np.ndarray) -> list[dict[str, Any]]:
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import find_peaks

    s = np.log(tau)
    fine = np.linspace(s[0], s[-1], 20 * len(s))
    curve = PchipInterpolator(s, gamma)(fine)
    total = np.trapezoid(curve, fine)
    found, _ = find_peaks(np.concatenate([[0], curve, [0]]), prominence=0.05 * curve.max())
    found -= 1
    if not len(found) or total <= 0:
        return []
    valleys = [
        a + int(np.argmin(curve[a:b])) for a, b in zip(found, found[1:], strict=False)
    ]
    edges = [0, *valleys, len(fine) - 1]
    inside = (1 / (2 * np.pi * f.max()), 1 / (2 * np.pi * f.min()))
    peaks = []
    for k, at in enumerate(found):
        part = slice(edges[k], edges[k + 1] + 1)
        area = float(np.trapezoid(curve[part], fine[part]))
        if area < 0.005 * total:
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
