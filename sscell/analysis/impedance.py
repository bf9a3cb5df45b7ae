"""Impedance: validity, distribution of relaxation times, equivalent circuits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import metadata, require
from sscell.errors import DataError, ParameterError

__all__ = [
    "CircuitFit",
    "Drt",
    "KramersKronig",
    "drt",
    "eis",
    "fit_circuit",
    "kramers_kronig",
]


STARTS = 10  # descents from different starting points of a circuit


def _spectrum(data: xr.Dataset, state: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [Hz], descending, and complex impedance [Ohm] of one state."""
    require(data, "Frequency [Hz]", "Z real [Ohm]", "Z imaginary [Ohm]")
    if "state" in data.dims:
        if state is None and data.sizes["state"] > 1:
            raise ParameterError(
                f"The data hold {data.sizes['state']} spectra: choose one with "
                "data.isel(state=0)."
            )
        data = data.isel(state=state or 0)
    f = np.asarray(data["Frequency [Hz]"].values, dtype=float)
    z = data["Z real [Ohm]"].values + 1j * data["Z imaginary [Ohm]"].values
    order = np.argsort(-f)
    return f[order], z[order]


def _need_impedance() -> None:
    try:
        import impedance  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Equivalent circuits need impedance.py: pip install 'sscell[eis]'."
        ) from error


@dataclass(frozen=True)
class KramersKronig:
    """Outcome of the linear Kramers-Kronig test.

    Parameters
    ----------
    valid : bool
        Whether all residuals but 5 % stay below the limit.
    max_residual, rms_residual : float
        Of real and imaginary part, over ``|Z|`` [-].
    elements : int
        RC elements of the test circuit.
    mu : float
        One less the ratio of negative to positive resistances [-].
    residuals : numpy.ndarray
        Shape (2, n): real and imaginary over ``|Z|``, in the order of `frequency`.
    frequency : numpy.ndarray
        [Hz], descending.
    warnings : list of str
        Where it fails.
    """

    valid: bool
    max_residual: float
    rms_residual: float
    elements: int
    mu: float
    residuals: np.ndarray = field(repr=False)
    frequency: np.ndarray = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        keys = ("valid", "max_residual", "rms_residual", "elements", "mu")
        return {k: getattr(self, k) for k in keys}


def kramers_kronig(data: xr.Dataset, *, limit: float = 0.02) -> KramersKronig:
    """Check that a spectrum is linear, causal and stable.

    Parameters
    ----------
    data : xarray.Dataset
        One spectrum.
    limit : float, optional
        Largest residual over ``|Z|`` [-] that passes.

    Returns
    -------
    KramersKronig
        Residuals against a chain of RC elements with a series capacitor.

    Notes
    -----
    Residuals ``(Z - Z_fit)/|Z|`` of ``Z_fit = R + sum_k R_k/(1 + i w tau_k)`` with a
    serial capacitance and inductance. Any such chain obeys the Kramers-Kronig relations,
    so its number of elements is the smallest that comes within 10 % of the best residual
    with up to half as many elements as frequencies.

    Source: Schoenleber et al., Electrochim. Acta 131 (2014) 20,
    doi:10.1016/j.electacta.2014.01.034.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> kramers_kronig(data).valid
    True
    """
    f, z = _spectrum(data)
    chains = [_chain(f, z, m) for m in range(3, max(len(f) // 2, 4))]
    misses = [np.sqrt(np.mean(np.abs((z - fit) / z) ** 2)) for _, fit in chains]
    resistances, fitted = chains[int(np.argmax(misses <= 1.1 * min(misses) + 1e-6))]
    elements = len(resistances)
    negative = -resistances[resistances < 0].sum()
    positive = resistances[resistances >= 0].sum()
    mu = float(1 - negative / positive) if positive > 0 else 0.0
    miss = (z - fitted) / np.abs(z)
    residuals = np.array([miss.real, miss.imag])
    size = np.abs(residuals).max(axis=0)
    share = float(np.mean(size > limit))
    notes = []
    if share > 0.05:
        worst = f[int(np.argmax(size))]
        notes.append(
            f"Kramers-Kronig: {share:.0%} of the points miss by more than {limit:.0%} of |Z| "
            f"(worst {size.max():.1%} at {worst:.3g} Hz); the spectrum is noisy, or the cell "
            "changed or was not linear during it."
        )
    rms = float(np.sqrt(np.mean(residuals**2)))
    return KramersKronig(
        share <= 0.05, float(size.max()), rms, elements, mu, residuals, f, notes
    )


def _chain(f: np.ndarray, z: np.ndarray, elements: int) -> tuple[np.ndarray, np.ndarray]:
    """Resistances of an RC chain fitted to a spectrum, and the fitted impedance."""
    omega = 2 * np.pi * f
    tau = np.geomspace(1 / omega.max(), 1 / omega.min(), elements)
    columns = np.column_stack(
        [
            1 / (1 + 1j * omega[:, None] * tau),
            np.ones_like(omega),
            1j * omega / omega.max(),
            omega.min() / (1j * omega),
        ]
    )
    weighted = columns / np.abs(z)[:, None]
    target = z / np.abs(z)
    x = np.linalg.lstsq(
        np.vstack([weighted.real, weighted.imag]),
        np.concatenate([target.real, target.imag]),
        rcond=None,
    )[0]
    return x[:elements], columns @ x


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
    f, z = _spectrum(data)
    if len(f) < 8:
        raise DataError(f"A DRT needs at least 8 frequencies; the spectrum has {len(f)}.")
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


@dataclass(frozen=True)
class CircuitFit:
    """An equivalent circuit with its parameters and their errors.

    Parameters
    ----------
    circuit : str
        In impedance.py's notation.
    names, units : list of str
        Of the parameters.
    values, std_errors : numpy.ndarray
        In those units; one standard deviation.
    chi_squared : float
        Sum of squared residuals over ``|Z|`` [-].
    degrees_of_freedom : int
        Twice the points less the parameters.
    frequency, impedance : numpy.ndarray
        [Hz], and the fitted [Ohm].
    warnings : list of str
        Parameters the data do not determine.
    """

    circuit: str
    names: list[str]
    units: list[str]
    values: np.ndarray
    std_errors: np.ndarray
    chi_squared: float
    degrees_of_freedom: int
    frequency: np.ndarray = field(repr=False)
    impedance: np.ndarray = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = zip(self.names, self.units, self.values, self.std_errors, strict=True)
        return {
            "circuit": self.circuit,
            "parameters": [
                {"name": n, "unit": u, "value": float(v), "std_error": float(e)}
                for n, u, v, e in rows
            ],
            "chi_squared": self.chi_squared,
            "degrees_of_freedom": self.degrees_of_freedom,
        }


def fit_circuit(
    data: xr.Dataset,
    circuit: str,
    initial_guess: Sequence[float] | None = None,
    *,
    constants: Mapping[str, float] | None = None,
) -> CircuitFit:
    """Fit an equivalent circuit, weighted by the modulus, with standard errors.

    Parameters
    ----------
    data : xarray.Dataset
        One spectrum.
    circuit : str
        In impedance.py's notation, such as ``"R0-p(R1,CPE1)-CPE2"``.
    initial_guess : sequence of float, optional
        In the order of the circuit; default: from the DRT of the spectrum.
    constants : mapping of str to float, optional
        Parameters held, such as ``{"R0": 5.0}``.

    Returns
    -------
    CircuitFit
        Values in Ohm, F, H, and for CPE ``Q`` in S s^n.

    Raises
    ------
    ParameterError
        If the circuit is not understood, or impedance.py is not installed.
    DataError
        If the fit does not converge.

    Notes
    -----
    Minimises ``sum |Z - Z_fit|^2 / |Z|^2``; errors from the covariance scaled with the
    reduced chi-squared.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> round(fit_circuit(data, "R0-p(R1,C1)", [5, 30, 1e-5])["R1"], 3)
    50.0
    """
    _need_impedance()
    f, z = _spectrum(data)
    held = dict(constants or {})
    names, units = _parameter_names(circuit, held)
    if initial_guess is not None:
        guesses = [np.asarray(initial_guess, dtype=float)]
    else:
        guesses = _guesses(data, names)
    if any(len(g) != len(names) or not np.all(g > 0) for g in guesses):
        raise ParameterError(
            f"Circuit '{circuit}' needs {len(names)} positive starting values: "
            f"{', '.join(names)}."
        )
    miss, upper = _misfit(circuit, held, f, z)
    found = _best_descent(miss, upper, guesses, len(names))
    return _circuit_result(circuit, names, units, found, miss, f, z)


def _best_descent(
    miss: Any, upper: np.ndarray, guesses: list[np.ndarray], parameters: int
) -> Any:
    """Descend from the most promising starts until two agree on a good end."""
    near = sorted(guesses, key=lambda g: np.sum(miss(np.log(g)) ** 2))[:STARTS]
    ends: list[Any] = []
    for guess in near:
        end = _descend(miss, upper, np.log(guess), 80)
        good = 2 * end.cost < 0.02**2 * max(len(end.fun) - parameters, 1)
        best = min((e.cost for e in ends), default=np.inf)
        ends.append(end)
        if good and abs(end.cost / best - 1) < 0.01:
            break
    return _descend(miss, upper, min(ends, key=lambda e: e.cost).x, 2000)


def _parameter_names(
    circuit: str, held: Mapping[str, float]
) -> tuple[list[str], list[str]]:
    from impedance.models.circuits import CustomCircuit
    from impedance.models.circuits.fitting import calculateCircuitLength

    try:
        count = calculateCircuitLength(circuit) - len(held)
        model = CustomCircuit(circuit, initial_guess=[1.0] * count, constants=dict(held))
        return model.get_param_names()
    except Exception as error:
        raise ParameterError(
            f"Circuit '{circuit}' is not understood. Use impedance.py's notation, such as "
            "'R0-p(R1,CPE1)-CPE2'."
        ) from error


def _misfit(
    circuit: str, held: dict[str, float], f: np.ndarray, z: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Residuals over |Z| as a function of logarithms: parameters span powers of ten."""
    from impedance.models.circuits.fitting import set_default_bounds, wrapCircuit

    function = wrapCircuit(circuit, held)
    size = np.concatenate([np.abs(z), np.abs(z)])
    target = np.concatenate([z.real, z.imag])
    bounds = set_default_bounds(circuit, constants=held)[1]

    def miss(logs: np.ndarray) -> np.ndarray:
        return (function(f, *np.exp(logs)) - target) / size

    return miss, np.log(np.minimum(bounds, 1e18))


def _descend(miss: Any, upper: np.ndarray, start: np.ndarray, evaluations: int) -> Any:
    from scipy.optimize import least_squares

    start = np.minimum(start, upper - 1e-3)
    tight = 1e-12 if evaluations > 1000 else 1e-6
    return least_squares(
        miss, start, bounds=(-np.inf, upper), max_nfev=evaluations, ftol=tight, xtol=tight
    )


def _circuit_result(
    circuit: str,
    names: list[str],
    units: list[str],
    found: Any,
    miss: Any,
    f: np.ndarray,
    z: np.ndarray,
) -> CircuitFit:
    order = _arc_order(circuit, names, np.exp(found.x))
    freedom = max(2 * len(f) - len(names), 1)
    chi = 2 * float(found.cost)
    covariance = _inverse(found.jac.T @ found.jac) * chi / freedom
    values = np.exp(found.x)
    errors = (values * np.sqrt(np.diag(covariance)))[order]
    values = values[order]
    stacked = miss(found.x) * np.tile(np.abs(z), 2) + np.concatenate([z.real, z.imag])
    fitted = stacked[: len(f)] + 1j * stacked[len(f) :]
    notes = [
        f"{n} is not determined by the spectrum: {v:.3g} +/- {e:.2g} {u}."
        for n, u, v, e in zip(names, units, values, errors, strict=True)
        if not e <= 0.5 * abs(v)
    ]
    if np.sqrt(chi / freedom) > 0.05:
        notes.append(
            f"The circuit misses the spectrum by {np.sqrt(chi / freedom):.0%} of |Z|."
        )
    return CircuitFit(circuit, names, units, values, errors, chi, freedom, f, fitted, notes)


def _inverse(normal: np.ndarray) -> np.ndarray:
    """Inverse of the normal matrix; a direction the data do not see becomes infinite."""
    values, vectors = np.linalg.eigh(normal)
    seen = values > 1e-12 * values.max()
    inverse = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T
    unseen = np.any(np.abs(vectors[:, ~seen]) > 0.1, axis=1)
    inverse[unseen, unseen] = np.inf
    return inverse


def _arc_order(circuit: str, names: list[str], values: np.ndarray) -> list[int]:
    """Like arcs in series can change places: number them from fast to slow."""
    import re

    order = list(range(len(names)))
    for element, power in (("CPE", True), ("C", False)):
        labels = re.findall(rf"p\(R(\d+),{element}\1\)", circuit.replace(" ", ""))
        members = [
            [
                k
                for k, n in enumerate(names)
                if n.partition("_")[0] in (f"R{a}", f"{element}{a}")
            ]
            for a in labels
        ]
        if len(members) < 2 or len({len(m) for m in members}) > 1:
            continue

        def tau(rows: list[int], power: bool = power) -> float:
            product = values[rows[0]] * values[rows[1]]
            return product ** (1 / values[rows[2]]) if power else product

        ranked = sorted(members, key=tau)
        for place, source in zip(members, ranked, strict=True):
            for a, b in zip(place, source, strict=True):
                order[a] = b
    return order


def _guesses(data: xr.Dataset, names: list[str]) -> list[np.ndarray]:
    """Starting points: arcs at the DRT peaks, and at all places of a coarse grid."""
    f, z = _spectrum(data)
    arcs = [n for n in names if n.startswith("R") and n != "R0"]
    begin = _tail_begin(f, z)
    span = max(
        np.interp(begin, f[::-1], z.real[::-1]) - z.real.min(), 1e-3 * np.abs(z).max()
    )
    low = np.log(1 / (2 * np.pi * f.max()))
    high = np.log(1 / (2 * np.pi * max(begin, f.min())))
    places = [
        (np.exp(list(taus)), np.full(len(arcs), span / max(len(arcs), 1)))
        for taus in combinations(np.linspace(low, high, len(arcs) + 4), len(arcs))
    ]
    peaks = [p for p in drt(data, per_decade=8, regularisation=1e-3).peaks if p["closed"]]
    peaks = sorted(
        sorted(peaks, key=lambda p: -p["area_ohm"])[: len(arcs)], key=lambda p: p["tau_s"]
    )
    if len(peaks) == len(arcs):
        found = np.array([[p["tau_s"], p["area_ohm"]] for p in peaks]).reshape(-1, 2).T
        places.insert(0, (found[0], found[1]))
    return [
        np.array([_start(n, arcs, tau, size, alpha, f, z) for n in names])
        for tau, size in places
        for alpha in (0.9, 0.75)
    ]


def _start(
    name: str,
    arcs: list[str],
    taus: np.ndarray,
    sizes: np.ndarray,
    alpha: float,
    f: np.ndarray,
    z: np.ndarray,
) -> float:
    """Starting value of one parameter; elements of an arc share its number."""
    element, _, part = name.partition("_")
    kind = element.rstrip("0123456789")
    partner = "R" + element[len(kind) :]
    power = alpha if kind == "CPE" else 1.0
    if partner in arcs:
        tau, size = taus[arcs.index(partner)], sizes[arcs.index(partner)]
        values = {"R": size, "C": tau**power / size, "L": tau * size}
    else:
        tail = max(-z[-1].imag, 1e-9 * abs(z[-1]))
        values = {
            "R": max(z.real.min(), 1e-3 * np.ptp(z.real)),
            "C": 1 / (tail * (2 * np.pi * f[-1]) ** power),
            "L": 1e-6 / f.max(),
            "W": tail * np.sqrt(2 * np.pi * f[-1]),
        }
    if kind == "CPE" and part == "1":
        return power
    return float(values.get(element[0], 1.0))


def eis(
    data: xr.Dataset,
    *,
    circuit: str | None = None,
    initial_guess: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Everything about a dataset of impedance, ready for JSON.

    Parameters
    ----------
    data : xarray.Dataset
        One or several spectra.
    circuit : str, optional
        Equivalent circuit to fit to each.
    initial_guess : sequence of float, optional
        For the circuit.

    Returns
    -------
    dict
        ``spectra`` (``state``, ``frequency_Hz``, ``real_ohm_cm2``,
        ``imaginary_ohm_cm2``; null without an area, beside ``real_ohm`` and
        ``imaginary_ohm``), ``interfacial_resistance_ohm_cm2``,
        ``interfacial_resistance_ohm``, ``drt``, ``kramers_kronig``, ``circuit`` and
        ``warnings``. With several spectra the last four are lists.

    Notes
    -----
    The interfacial resistance is the area of the DRT peaks within the measured range and
    faster than the tail of diffusion or blocking, which begins at the last minimum of
    -Im Z towards low frequency.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> round(eis(data)["interfacial_resistance_ohm"])
    50
    """
    area = metadata(data, "area_cm2")
    rows = _states(data)
    result: dict[str, Any] = {"spectra": [], "warnings": []}
    if area is None:
        result["warnings"].append(
            "No electrode area is known (--area): resistances are in Ohm, not Ohm cm2."
        )
    parts = [_one_state(one, circuit, initial_guess, result["warnings"]) for _, one in rows]
    for label, one in rows:
        result["spectra"].append(_spectrum_dict(label, one, area))
    single = len(parts) == 1
    for key in ("interfacial_resistance_ohm", "drt", "kramers_kronig", "circuit"):
        values = [p[key] for p in parts]
        result[key] = values[0] if single else values
    ohm = [p["interfacial_resistance_ohm"] for p in parts]
    scaled = [None if area is None else r * area for r in ohm]
    result["interfacial_resistance_ohm_cm2"] = scaled[0] if single else scaled
    return result


def _tail_begin(f: np.ndarray, z: np.ndarray) -> float:
    """Frequency below which -Im Z only grows (blocking, diffusion); 0 without such a tail."""
    rise = -z.imag
    if len(f) > 4:
        rise = np.concatenate(
            [rise[:1], np.median([rise[:-2], rise[1:-1], rise[2:]], 0), rise[-1:]]
        )
    falls = np.flatnonzero(np.diff(rise) <= 0)
    begin = int(falls[-1]) + 1 if len(falls) else 0
    grown = rise[-1] > 1.5 * max(rise[begin], 0)
    return float(f[begin]) if len(f) - begin > 3 and grown else 0.0


def _states(data: xr.Dataset) -> list[tuple[str | None, xr.Dataset]]:
    if "state" not in data.dims:
        return [(None, data)]
    labels = data["state"].values if "state" in data.coords else range(data.sizes["state"])
    return [(str(label), data.isel(state=k)) for k, label in enumerate(labels)]


def _spectrum_dict(
    label: str | None, data: xr.Dataset, area: float | None
) -> dict[str, Any]:
    f, z = _spectrum(data)
    return {
        "state": label,
        "frequency_Hz": f.tolist(),
        "real_ohm_cm2": None if area is None else (z.real * area).tolist(),
        "imaginary_ohm_cm2": None if area is None else (z.imag * area).tolist(),
        "real_ohm": z.real.tolist(),
        "imaginary_ohm": z.imag.tolist(),
    }


def _one_state(
    data: xr.Dataset,
    circuit: str | None,
    initial_guess: Sequence[float] | None,
    notes: list[str],
) -> dict[str, Any]:
    spread = drt(data)
    slowest = _tail_begin(*_spectrum(data))
    closed = [
        p["area_ohm"] for p in spread.peaks if p["closed"] and p["frequency_Hz"] >= slowest
    ]
    notes += spread.warnings
    check = kramers_kronig(data)
    notes += check.warnings
    fit = None
    if circuit is not None:
        fit = fit_circuit(data, circuit, initial_guess)
        notes += fit.warnings
    return {
        "interfacial_resistance_ohm": float(sum(closed)),
        "drt": spread.to_dict(),
        "kramers_kronig": check.to_dict(),
        "circuit": None if fit is None else fit.to_dict(),
    }
